import { LlambertError } from '@llambert/domain';
import { encoderFromScratch, loadPretrained, type PretrainedEncoder, releaseEncoder, trainEncoder, trainLinear } from '@llambert/student';
import type { PlacedRequest, TrainedStudent, TrainingProgress } from './train-student.ts';

type OnProgress = (progress: TrainingProgress) => void;

/** Trains the student that the settings name and writes its files, in this thread. `auto` is the linear one for now. */
export async function trainHere(request: PlacedRequest, onProgress: OnProgress): Promise<TrainedStudent> {
  switch (request.settings.model) {
    case 'linear':
    case 'auto':
      return linearStudent(request, onProgress);
    case 'fine-tuned':
      return fineTunedStudent(request, onProgress);
    case 'frozen':
      throw new LlambertError('invalid_input', 'frozen');
  }
}

async function linearStudent({ rows, labels, settings, score, folder }: PlacedRequest, onProgress: OnProgress): Promise<TrainedStudent> {
  const { model, outOfFold, crossValidation } = await trainLinear({
    rows,
    labels,
    settings: { features: 'auto', classWeights: settings.classWeights },
    onProgress: (done) => onProgress({ step: 'linear student', done, detail: '' }),
  });
  await model.save(folder);
  const scoredLogits = new Float32Array(score.length * labels.names.length);
  model.logits(score, scoredLogits);
  const { features, strength, calibratedLogLoss, accuracy } = crossValidation.chosen;
  return {
    student: 'linear',
    baseModel: null,
    heldOut: { rows: rows.map((_, row) => row), logits: outOfFold.logits, on: 'out-of-fold' },
    scoredLogits,
    training: { features, strength, classWeights: settings.classWeights, folds: crossValidation.folds, calibratedLogLoss, accuracy },
  };
}

async function fineTunedStudent(request: PlacedRequest, onProgress: OnProgress): Promise<TrainedStudent> {
  const { rows, labels, settings, score, folder, stateFolder, threads } = request;
  const encoder = await encoderOf(request);
  const begun = performance.now();
  let stepsBefore: number | null = null;
  const trained = await trainEncoder({
    encoder,
    rows,
    labels,
    settings,
    stateFolder,
    threads,
    onProgress: ({ step, steps, loss, tokens, devLoss }) => {
      stepsBefore ??= step - 1;
      const seconds = (performance.now() - begun) / 1000;
      const left = ((steps - step) * seconds) / (step - stepsBefore);
      const figures = [`update ${step} of ${steps}`, `loss ${loss.toFixed(3)}`, `${Math.round(tokens / seconds)} tokens/s`];
      if (devLoss !== null) figures.push(`held-out loss ${devLoss.toFixed(3)}`);
      onProgress({ step: 'fine-tuned student', done: step / steps, detail: [...figures, `${duration(left)} left`].join(', ') });
    },
  });
  onProgress({ step: 'trying 8-bit integers', done: 1, detail: '' });
  const { shape, weights, tokenizerJson, maxTokens, truncation } = trained.model;
  const pairs = rows.some(({ textPair }) => textPair !== undefined);
  const form = { config: shape.config, pooling: shape.pooling, pairs };
  const heldOut = trained.heldOut.map((row) => rows[row]!);
  const { model, heldOutLogits, facts } = await releaseEncoder(
    folder,
    { form, weights, tokenizer: tokenizerJson, maxTokens, truncation },
    { documents: heldOut, targets: heldOut.map(({ target }) => target), kind: labels.kind },
  );
  return {
    student: 'fine-tuned',
    baseModel: { name: settings.encoder!, licence: encoder.licence },
    heldOut: { rows: trained.heldOut, logits: heldOutLogits, on: 'held-out' },
    scoredLogits: (await model.logits(score)).logits,
    training: { ...trained.facts, ...facts },
  };
}

async function encoderOf({ encoder, rows, settings }: PlacedRequest): Promise<PretrainedEncoder> {
  if (encoder === 'scratch') {
    const texts = rows.flatMap(({ text, textPair }) => (textPair === undefined ? [text] : [text, textPair]));
    return encoderFromScratch(texts, settings.seed);
  }
  return loadPretrained(encoder!.folder);
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
