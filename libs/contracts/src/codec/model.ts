import {
  LlambertError,
  type ModelManifest,
  type ModelReleased,
  manifestFormat,
  modelFormats,
  type RoutingThreshold,
} from '@llambert/domain';
import {
  type SettingValue,
  StudentKind,
  ModelReleased as Wire,
  type ModelManifest as WireManifest,
  type RoutingThreshold as WireThreshold,
} from '../generated/llambert/model/v1/model.ts';
import { calibrationFromWire, calibrationToWire } from './calibration.ts';
import { messageCodec } from './codec.ts';
import { evaluationFromWire, evaluationToWire, references } from './evaluation.ts';
import { enumeration, finite, orNull, present, share } from './fields.ts';
import { labelKinds } from './task.ts';

type Setting = string | number | boolean;

const students = enumeration<ModelManifest['student'], StudentKind>({
  linear: StudentKind.STUDENT_KIND_LINEAR,
  frozen: StudentKind.STUDENT_KIND_FROZEN,
  'fine-tuned': StudentKind.STUDENT_KIND_FINE_TUNED,
});

export const modelReleasedCodec = messageCodec<Wire, ModelReleased>('llambert.model.v1.ModelReleased', Wire, {
  toWire: ({ task, digest, manifest }) => ({ task, digest, manifest: manifestToWire(manifest) }),
  fromWire: (wire) => ({ task: wire.task, digest: wire.digest, manifest: manifestFromWire(present('manifest', wire.manifest)) }),
});

function manifestToWire(manifest: ModelManifest): WireManifest {
  return {
    ...manifest,
    labels: { kind: labelKinds.toWire(manifest.labels.kind), names: manifest.labels.names as string[] },
    student: students.toWire(manifest.student),
    ensemble: manifest.ensemble,
    dataset: {
      ...manifest.dataset,
      textPairs: manifest.dataset.textPairs ?? 0,
      unseenLabels: [...(manifest.dataset.unseenLabels ?? [])],
    },
    baseModel: manifest.baseModel ?? undefined,
    licence: manifest.licence ?? undefined,
    training: new Map(Object.entries(manifest.training).map(([name, setting]) => [name, settingToWire(setting)])),
    calibration: calibrationToWire(manifest.calibration),
    evaluations: manifest.evaluations.map(evaluationToWire),
    routing: {
      ...manifest.routing,
      reference: references.toWire(manifest.routing.reference),
      threshold: manifest.routing.threshold ?? undefined,
      observedError: manifest.routing.observedError ?? undefined,
      goldNeeded: manifest.routing.goldNeeded ?? undefined,
    },
    files: new Map(Object.entries(manifest.files)),
  };
}

function manifestFromWire(wire: WireManifest): ModelManifest {
  const format = modelFormats.find((known) => known === wire.format);
  if (format === undefined) {
    throw new LlambertError('invalid_input', `manifest.format is "${wire.format}"; this version reads ${modelFormats.join(', ')}`);
  }
  if (format !== manifestFormat(wire)) {
    throw new LlambertError(
      'invalid_input',
      `manifest.ensemble is ${wire.ensemble === undefined ? 'missing from' : 'set in'} a manifest of the format ${format}`,
    );
  }
  const labels = present('manifest.labels', wire.labels);
  return {
    format,
    task: wire.task,
    labellingSpecHash: wire.labellingSpecHash,
    round: wire.round,
    labels: { kind: labelKinds.fromWire('manifest.labels.kind', labels.kind), names: labels.names },
    student: students.fromWire('manifest.student', wire.student),
    ...(wire.ensemble && { ensemble: { encoderShare: share('manifest.ensemble.encoder_share', wire.ensemble.encoderShare) } }),
    baseModel: wire.baseModel ?? null,
    licence: wire.licence ?? null,
    dataset: present('manifest.dataset', wire.dataset),
    training: Object.fromEntries([...wire.training].map(([name, setting]) => [name, settingFromWire(setting, name)])),
    calibration: calibrationFromWire('manifest.calibration', present('manifest.calibration', wire.calibration), labels.names.length),
    evaluations: wire.evaluations.map((evaluation, index) => evaluationFromWire(`manifest.evaluations[${index}]`, evaluation)),
    routing: routingFromWire(present('manifest.routing', wire.routing)),
    files: Object.fromEntries(wire.files),
  };
}

function routingFromWire(wire: WireThreshold): RoutingThreshold {
  return {
    certified: wire.certified,
    reference: references.fromWire('manifest.routing.reference', wire.reference),
    threshold: orNull(wire.threshold, (value) => share('manifest.routing.threshold', value)),
    targetError: share('manifest.routing.target_error', wire.targetError),
    confidence: share('manifest.routing.confidence', wire.confidence),
    coverage: share('manifest.routing.coverage', wire.coverage),
    observedError: orNull(wire.observedError, (value) => share('manifest.routing.observed_error', value)),
    documents: wire.documents,
    goldNeeded: wire.goldNeeded ?? null,
    explanation: wire.explanation,
  };
}

function settingToWire(setting: Setting): SettingValue {
  if (typeof setting === 'string') return { value: { $case: 'text', value: setting } };
  if (typeof setting === 'number') return { value: { $case: 'number', value: setting } };
  return { value: { $case: 'flag', value: setting } };
}

function settingFromWire(setting: SettingValue, name: string): Setting {
  const { value } = present(`manifest.training[${JSON.stringify(name)}]`, setting.value);
  return typeof value === 'number' ? finite(`manifest.training[${JSON.stringify(name)}]`, value) : value;
}
