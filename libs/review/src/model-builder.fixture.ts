import type { Evaluation, ModelManifest, ModelReleased, RoutingThreshold } from '@llambert/domain';

// Models with everything filled in, so that a test names only what it is about.

export function anEvaluationOf(reference: Evaluation['reference'], accuracy: number, halfWidth = 0.02): Evaluation {
  return {
    reference,
    on: reference === 'human' ? 'certify-gold' : 'out-of-fold',
    documents: 100,
    accuracy,
    accuracyInterval: { lower: accuracy - halfWidth, upper: accuracy + halfWidth },
    macroF1: accuracy,
    expectedCalibrationError: 0.01,
    brierScore: 0.1,
  };
}

export const uncertified: RoutingThreshold = {
  certified: false,
  reference: 'teacher',
  threshold: 0.75,
  targetError: 0.05,
  confidence: 0.95,
  coverage: 0.5,
  observedError: 0.04,
  documents: 100,
  goldNeeded: 59,
  explanation: 'uncertified: there is no certify gold',
};

export function aManifest(changes: Partial<ModelManifest> = {}): ModelManifest {
  return {
    format: 'llambert.model.v1',
    task: 'reviews',
    labellingSpecHash: 'spec',
    round: 1,
    labels: { kind: 'single', names: ['positive', 'negative'] },
    student: 'linear',
    baseModel: null,
    licence: null,
    dataset: { fingerprint: 'dataset', annotations: 100, trainGold: 0, certifyGold: 0 },
    training: {},
    calibration: { method: 'temperature', temperature: 1, documents: 100, reference: 'teacher' },
    evaluations: [anEvaluationOf('teacher', 0.9)],
    routing: uncertified,
    files: {},
    ...changes,
  };
}

/** A model of a round, named after it. */
export function aModel(round: number, ...evaluations: readonly Evaluation[]): ModelReleased {
  return { task: 'reviews', digest: `model-${round}`, manifest: aManifest({ round, evaluations }) };
}
