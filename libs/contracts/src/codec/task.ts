import { inUsd, type LabelKind, type LabellingSpec, type StudentSettings, type Task, type TaskSettings } from '@llambert/domain';
import {
  ClassWeights,
  LikelyWrong,
  OnOutcomeUnknown,
  Pooling,
  SamplingStrategy,
  StudentChoice,
  Truncation,
  LabelKind as WireKind,
  type TaskSettings as WireSettings,
  type LabellingSpec as WireSpec,
  type StudentSettings as WireStudent,
  Task as WireTask,
} from '../generated/llambert/task/v1/task.ts';
import { messageCodec } from './codec.ts';
import { amount, enumeration, finite, nanoFromUsd, orNull, present, share } from './fields.ts';

export const labelKinds = enumeration<LabelKind, WireKind>({ single: WireKind.LABEL_KIND_SINGLE, multi: WireKind.LABEL_KIND_MULTI });

const outcomes = enumeration<TaskSettings['teacher']['onOutcomeUnknown'], OnOutcomeUnknown>({
  repeat: OnOutcomeUnknown.ON_OUTCOME_UNKNOWN_REPEAT,
  reject: OnOutcomeUnknown.ON_OUTCOME_UNKNOWN_REJECT,
});
const strategies = enumeration<TaskSettings['sampling']['strategy'], SamplingStrategy>({
  representative: SamplingStrategy.SAMPLING_STRATEGY_REPRESENTATIVE,
  stratified: SamplingStrategy.SAMPLING_STRATEGY_STRATIFIED,
  uniform: SamplingStrategy.SAMPLING_STRATEGY_UNIFORM,
});
const students = enumeration<TaskSettings['student']['model'], StudentChoice>({
  linear: StudentChoice.STUDENT_CHOICE_LINEAR,
  auto: StudentChoice.STUDENT_CHOICE_AUTO,
  frozen: StudentChoice.STUDENT_CHOICE_FROZEN,
  'fine-tuned': StudentChoice.STUDENT_CHOICE_FINE_TUNED,
});
const classWeights = enumeration<TaskSettings['student']['classWeights'], ClassWeights>({
  none: ClassWeights.CLASS_WEIGHTS_NONE,
  balanced: ClassWeights.CLASS_WEIGHTS_BALANCED,
});
const likelyWrong = enumeration<TaskSettings['student']['likelyWrong'], LikelyWrong>({
  keep: LikelyWrong.LIKELY_WRONG_KEEP,
  halve: LikelyWrong.LIKELY_WRONG_HALVE,
  drop: LikelyWrong.LIKELY_WRONG_DROP,
  'ask-teacher': LikelyWrong.LIKELY_WRONG_ASK_TEACHER,
  'ask-person': LikelyWrong.LIKELY_WRONG_ASK_PERSON,
});
const truncations = enumeration<TaskSettings['student']['truncation'], Truncation>({
  head: Truncation.TRUNCATION_HEAD,
  'head-and-tail': Truncation.TRUNCATION_HEAD_AND_TAIL,
});
const poolings = enumeration<TaskSettings['student']['fineTuning']['pooling'], Pooling>({
  first: Pooling.POOLING_FIRST,
  mean: Pooling.POOLING_MEAN,
});

export const taskCodec = messageCodec<WireTask, Task>('llambert.task.v1.Task', WireTask, {
  toWire: ({ name, spec, settings, topics }) => ({ name, spec: specToWire(spec), settings: settingsToWire(settings), topics }),
  fromWire: (wire) => ({
    name: wire.name,
    spec: specFromWire(present('spec', wire.spec)),
    settings: settingsFromWire(present('settings', wire.settings)),
    topics: present('topics', wire.topics),
  }),
});

function specToWire(spec: LabellingSpec): WireSpec {
  return {
    description: spec.description,
    kind: labelKinds.toWire(spec.kind),
    labels: spec.labels as WireSpec['labels'],
    guide: spec.guide,
    examples: spec.examples.map(({ text, textPair, labels }) => ({ text, textPair, labels: labels as string[] })),
  };
}

function specFromWire(wire: WireSpec): LabellingSpec {
  return {
    description: wire.description,
    kind: labelKinds.fromWire('spec.kind', wire.kind),
    labels: wire.labels,
    guide: wire.guide,
    // No key for a text without a pair: the spec's hash is over its keys.
    examples: wire.examples.map(({ text, textPair, labels }) => (textPair === undefined ? { text, labels } : { text, textPair, labels })),
  };
}

function settingsToWire({ teacher, budget, sampling, student, routing }: TaskSettings): WireSettings {
  return {
    teacher: {
      ...teacher,
      apiKeyEnv: teacher.apiKeyEnv ?? undefined,
      price: {
        inputNanoUsd: nanoFromUsd('settings.teacher.price.input', teacher.price.input),
        outputNanoUsd: nanoFromUsd('settings.teacher.price.output', teacher.price.output),
      },
      onOutcomeUnknown: outcomes.toWire(teacher.onOutcomeUnknown),
    },
    budget: { nanoUsd: nanoFromUsd('settings.budget.usd', budget.usd), annotations: budget.annotations },
    sampling: {
      ...sampling,
      strategy: strategies.toWire(sampling.strategy),
      stratifyBy: sampling.stratifyBy ?? undefined,
      targetAgreement: sampling.targetAgreement ?? undefined,
    },
    student: studentToWire(student),
    routing,
  };
}

function settingsFromWire(wire: WireSettings): TaskSettings {
  const teacher = present('settings.teacher', wire.teacher);
  const price = present('settings.teacher.price', teacher.price);
  const budget = present('settings.budget', wire.budget);
  const sampling = present('settings.sampling', wire.sampling);
  const routing = present('settings.routing', wire.routing);
  return {
    teacher: {
      ...teacher,
      apiKeyEnv: teacher.apiKeyEnv ?? null,
      price: {
        input: inUsd(amount('settings.teacher.price.input_nano_usd', price.inputNanoUsd)),
        output: inUsd(amount('settings.teacher.price.output_nano_usd', price.outputNanoUsd)),
      },
      temperature: finite('settings.teacher.temperature', teacher.temperature),
      timeoutSeconds: finite('settings.teacher.timeout_seconds', teacher.timeoutSeconds),
      onOutcomeUnknown: outcomes.fromWire('settings.teacher.on_outcome_unknown', teacher.onOutcomeUnknown),
    },
    budget: { usd: inUsd(amount('settings.budget.nano_usd', budget.nanoUsd)), annotations: budget.annotations },
    sampling: {
      ...sampling,
      strategy: strategies.fromWire('settings.sampling.strategy', sampling.strategy),
      stratifyBy: sampling.stratifyBy ?? null,
      plateauGain: share('settings.sampling.plateau_gain', sampling.plateauGain),
      targetAgreement: orNull(sampling.targetAgreement, (value) => share('settings.sampling.target_agreement', value)),
      quorum: share('settings.sampling.quorum', sampling.quorum),
      deadlineSeconds: finite('settings.sampling.deadline_seconds', sampling.deadlineSeconds),
    },
    student: studentFromWire(present('settings.student', wire.student)),
    routing: {
      targetError: share('settings.routing.target_error', routing.targetError),
      confidence: share('settings.routing.confidence', routing.confidence),
    },
  };
}

function studentToWire({ fineTuning, ...student }: StudentSettings): WireStudent {
  return {
    ...student,
    model: students.toWire(student.model),
    encoder: student.encoder ?? undefined,
    classWeights: classWeights.toWire(student.classWeights),
    likelyWrong: likelyWrong.toWire(student.likelyWrong),
    truncation: truncations.toWire(student.truncation),
    pseudoLabels: student.pseudoLabels ?? undefined,
    fineTuning: {
      ...fineTuning,
      learningRate: fineTuning.learningRate ?? undefined,
      pooling: poolings.toWire(fineTuning.pooling),
      noiseRobustness: fineTuning.noiseRobustness ?? undefined,
      goldStage:
        fineTuning.goldStage === null
          ? undefined
          : { ...fineTuning.goldStage, learningRate: fineTuning.goldStage.learningRate ?? undefined },
    },
  };
}

function studentFromWire(wire: WireStudent): StudentSettings {
  const tuning = present('settings.student.fine_tuning', wire.fineTuning);
  const at = (field: string) => `settings.student.fine_tuning.${field}`;
  return {
    ...wire,
    model: students.fromWire('settings.student.model', wire.model),
    encoder: wire.encoder ?? null,
    classWeights: classWeights.fromWire('settings.student.class_weights', wire.classWeights),
    minutes: finite('settings.student.minutes', wire.minutes),
    likelyWrong: likelyWrong.fromWire('settings.student.likely_wrong', wire.likelyWrong),
    truncation: truncations.fromWire('settings.student.truncation', wire.truncation),
    pseudoLabels: orNull(wire.pseudoLabels, ({ documents, confidence }) => ({
      documents,
      confidence: share('settings.student.pseudo_labels.confidence', confidence),
    })),
    fineTuning: {
      ...tuning,
      learningRate: orNull(tuning.learningRate, (value) => finite(at('learning_rate'), value)),
      pooling: poolings.fromWire(at('pooling'), tuning.pooling),
      layerDecay: share(at('layer_decay'), tuning.layerDecay),
      weightDecay: finite(at('weight_decay'), tuning.weightDecay),
      warmup: share(at('warmup'), tuning.warmup),
      labelSmoothing: share(at('label_smoothing'), tuning.labelSmoothing),
      noiseRobustness: orNull(tuning.noiseRobustness, (value) => share(at('noise_robustness'), value)),
      goldStage: orNull(tuning.goldStage, ({ epochs, learningRate }) => ({
        epochs,
        learningRate: orNull(learningRate, (value) => finite(at('gold_stage.learning_rate'), value)),
      })),
    },
  };
}
