import {
  type Answer,
  type Calibration,
  type DeadLetter,
  type Document,
  type Doubt,
  type Evaluation,
  type Event,
  type EventName,
  type EventTypes,
  type Gold,
  inUsd,
  type ModelManifest,
  type Prediction,
  type ReliabilityBin,
  type RoundOpened,
  rejectionReasons,
  type Sample,
  type Task,
} from '@llambert/domain';
import * as fc from 'fast-check';

// Domain values as they can be, for tests alone. Texts are well-formed: what is not has no UTF-8.

const text = fc.string({ unit: 'binary' });
const count = fc.nat(0xffff_ffff);
/** No minus zero: Protobuf's implicit presence does not carry it, and no sum or hash of ours tells it from zero. */
const unsigned = (value: number) => (Object.is(value, -0) ? 0 : value);
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map(unsigned);
const share = fc.double({ min: 0, max: 1, noNaN: true }).map(unsigned);
const amount = fc.nat(Number.MAX_SAFE_INTEGER);
/** Few enough nano-dollars for a double to hold them as dollars. */
const usd = fc.nat(10 ** 15).map(inUsd);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary);
const labels = fc.array(text, { maxLength: 4 });
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(fields) as unknown as fc.Arbitrary<T>;

const map = <T>(value: fc.Arbitrary<T>) => fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true });

/** With the key, or without it. */
const withOrWithout = <T extends object>(arbitrary: fc.Arbitrary<T>, key: string, own: fc.Arbitrary<unknown>) =>
  fc.tuple(arbitrary, orNull(own)).map(([value, found]) => (found === null ? value : { ...value, [key]: found }));
const withPair = <T extends object>(arbitrary: fc.Arbitrary<T>) => withOrWithout(arbitrary, 'textPair', text);

export const documents: fc.Arbitrary<Document> = withPair(record<Document>({ id: text, text, metadata: map(text) }));

export const predictions = record<Prediction>({
  task: text,
  pass: text,
  documentId: text,
  labels,
  probability: share,
  probabilities: fc.array(share, { maxLength: 5 }),
  route: fc.constantFrom('auto', 'review'),
  truncated: fc.boolean(),
  model: text,
});

export const deadLetters = record<DeadLetter>({
  service: text,
  reason: text,
  message: text,
  position: text,
  documentId: orNull(text),
  record: fc.uint8Array(),
});

const tasks = record<Task>({
  name: text,
  spec: record<Task['spec']>({
    description: text,
    kind: fc.constantFrom('single', 'multi'),
    labels: fc.array(record({ name: text, description: text }), { maxLength: 4 }),
    guide: text,
    examples: fc.array(withPair(record({ text, labels })), { maxLength: 3 }),
  }),
  settings: record<Task['settings']>({
    teacher: record<Task['settings']['teacher']>({
      model: text,
      baseUrl: text,
      apiKeyEnv: orNull(text),
      price: record({ input: usd, output: usd }),
      temperature: number,
      concurrency: count,
      maxOutputTokens: count,
      maxPromptBytes: count,
      timeoutSeconds: number,
      onOutcomeUnknown: fc.constantFrom('repeat', 'reject'),
    }),
    budget: record({ usd, annotations: count }),
    sampling: record<Task['settings']['sampling']>({
      strategy: fc.constantFrom('representative', 'stratified', 'uniform'),
      seed: count,
      stratifyBy: orNull(text),
      poolSize: count,
      rounds: count,
      plateauGain: share,
      targetAgreement: orNull(share),
      quorum: share,
      deadlineSeconds: number,
    }),
    student: record<Task['settings']['student']>({
      model: fc.constantFrom('linear', 'frozen', 'fine-tuned', 'auto'),
      encoder: orNull(text),
      minutes: number,
      seed: count,
      classWeights: fc.constantFrom('none', 'balanced'),
      likelyWrong: fc.constantFrom('keep', 'halve', 'drop', 'ask-teacher', 'ask-person'),
      maxTokens: count,
      truncation: fc.constantFrom('head', 'head-and-tail'),
      ensemble: fc.boolean(),
      pseudoLabels: orNull(record({ documents: count, confidence: share })),
      fineTuning: record({
        epochs: count,
        batchSize: count,
        learningRate: orNull(number),
        pooling: fc.constantFrom('first', 'mean'),
        layerDecay: share,
        weightDecay: number,
        warmup: share,
        labelSmoothing: share,
        noiseRobustness: orNull(share),
        patience: count,
        goldStage: orNull(record({ epochs: count, learningRate: orNull(number) })),
      }),
    }),
    routing: record({ targetError: share, confidence: share }),
  }),
  topics: record({ source: text, predictions: text }),
});

const reference = fc.constantFrom<Evaluation['reference']>('human', 'teacher');

const evaluations = withOrWithout(
  record<Evaluation>({
    reference,
    on: fc.constantFrom('out-of-fold', 'held-out', 'certify-gold'),
    documents: count,
    accuracy: share,
    accuracyInterval: record({ lower: share, upper: share }),
    macroF1: share,
    expectedCalibrationError: share,
    brierScore: share,
  }),
  'reliability',
  fc.array(record<ReliabilityBin>({ lower: share, upper: share, count, meanConfidence: orNull(share), accuracy: orNull(share) }), {
    minLength: 1,
    maxLength: 3,
  }),
);

function calibrationsOf(width: number): fc.Arbitrary<Calibration> {
  const oneEach = fc.array(number, { minLength: width, maxLength: width });
  const facts = { documents: count, reference };
  return withOrWithout<Calibration>(
    fc.oneof(
      record<Extract<Calibration, { method: 'temperature' }>>({ ...facts, method: fc.constant('temperature'), temperature: number }),
      record<Extract<Calibration, { method: 'vector' }>>({ ...facts, method: fc.constant('vector'), scales: oneEach, biases: oneEach }),
    ),
    'explanation',
    fc.string({ unit: 'binary', minLength: 1 }),
  );
}

const manifestOf = (calibratedLabels: Pick<ModelManifest, 'labels' | 'calibration'>) =>
  fc
    .tuple(aloneOf(calibratedLabels), orNull(record({ encoderShare: share })))
    .map(([alone, ensemble]): ModelManifest => (ensemble === null ? alone : { ...alone, format: 'llambert.model.v2', ensemble }));

const aloneOf = (calibratedLabels: Pick<ModelManifest, 'labels' | 'calibration'>) =>
  record<Omit<ModelManifest, 'ensemble'>>({
    format: fc.constant('llambert.model.v1'),
    task: text,
    labellingSpecHash: text,
    round: count,
    labels: fc.constant(calibratedLabels.labels),
    student: fc.constantFrom('linear', 'frozen', 'fine-tuned'),
    baseModel: orNull(text),
    licence: orNull(text),
    dataset: record({
      fingerprint: text,
      annotations: count,
      trainGold: count,
      certifyGold: count,
      textPairs: count,
      unseenLabels: fc.array(text),
    }),
    training: map(fc.oneof(text, number, fc.boolean())),
    calibration: fc.constant(calibratedLabels.calibration),
    evaluations: fc.array(evaluations, { maxLength: 3 }),
    routing: record<ModelManifest['routing']>({
      certified: fc.boolean(),
      reference: fc.constantFrom('human', 'teacher'),
      threshold: orNull(share),
      targetError: share,
      confidence: share,
      coverage: share,
      observedError: orNull(share),
      documents: count,
      goldNeeded: orNull(count),
      explanation: text,
    }),
    files: map(text),
  });

const manifests = record<ModelManifest['labels']>({ kind: fc.constantFrom('single', 'multi'), names: labels }).chain((labelSet) =>
  calibrationsOf(labelSet.names.length).chain((calibration) => manifestOf({ labels: labelSet, calibration })),
);

const answerBase = {
  sampleId: text,
  task: text,
  round: count,
  documentId: text,
  model: text,
  promptHash: text,
  usage: record({ input: count, output: count }),
  cost: amount,
  cached: fc.boolean(),
};

const answers: fc.Arbitrary<Answer> = fc.oneof(
  record<Extract<Answer, { kind: 'annotation' }>>({
    ...answerBase,
    kind: fc.constant('annotation'),
    labels,
    distribution: orNull(fc.array(share, { maxLength: 4 })),
    confidence: orNull(share),
  }),
  record<Extract<Answer, { kind: 'rejection' }>>({
    ...answerBase,
    kind: fc.constant('rejection'),
    reason: fc.constantFrom(...rejectionReasons),
    detail: text,
  }),
);

const bodies: { readonly [Name in EventName]: fc.Arbitrary<EventTypes[Name]> } = {
  'task.published': tasks,
  'round.opened': record<RoundOpened>({ task: text, round: count, samples: count, deadline: amount, quorum: share }),
  'round.evaluated': record<EventTypes['round.evaluated']>({
    task: text,
    round: count,
    annotations: count,
    rejections: count,
    model: orNull(text),
    reason: text,
    agreement: orNull(evaluations),
    budgetExhausted: fc.boolean(),
    doubted: fc.array(record<Doubt>({ documentId: text, labels, suggested: labels, probability: share }), { maxLength: 3 }),
  }),
  'round.closed': record<EventTypes['round.closed']>({
    task: text,
    rounds: count,
    end: fc.constantFrom(
      'annotations_used',
      'rounds_used',
      'plateau',
      'target_reached',
      'budget_exhausted',
      'source_exhausted',
      'nothing_usable',
    ),
  }),
  'sample.drawn': record<Sample>({
    id: text,
    task: text,
    round: count,
    document: documents,
    strategy: fc.constantFrom('uniform', 'stratified', 'doubted'),
    reason: text,
    inclusionProbability: orNull(share),
  }),
  'sample.answered': answers,
  'model.released': record({ task: text, digest: text, manifest: manifests }),
  'deployment.changed': record({ task: text, model: text }),
  'pass.opened': record<EventTypes['pass.opened']>({ task: text, pass: text, kind: fc.constant('live'), source: text, predictions: text }),
  'review.decided': record<Gold>({ task: text, document: documents, labels, draw: fc.constantFrom('uniform', 'chosen') }),
};

export const eventNames = Object.keys(bodies) as EventName[];

export function eventsNamed(name: EventName): fc.Arbitrary<Event> {
  return record({ id: text, name: fc.constant(name), key: text, body: bodies[name] }) as fc.Arbitrary<Event>;
}
