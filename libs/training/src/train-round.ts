import {
  type ArtifactStore,
  type Doubt,
  decide,
  type Gold,
  hardDistribution,
  type LabelDistribution,
  type LabelIndices,
  type LabelSet,
  labellingSpecHash,
  labelSetOf,
  type ModelManifest,
  manifestFormat,
  mostDoubts,
  type RoundEvaluation,
  type Task,
} from '@llambert/domain';
import { calibrate, calibrated } from './calibration.ts';
import { type Dataset, datasetProblem } from './dataset.ts';
import { evaluate, type ScoredDocuments } from './evaluation.ts';
import type { DoubtedRow } from './likely-wrong.ts';
import { chooseThreshold } from './routing.ts';
import type { TrainedStudent, TrainStudent } from './train-student.ts';

/** What a round's training comes to: a released model, or the reason why there is none. */
export type TrainedRound =
  | { readonly model: { digest: string; manifest: ModelManifest }; readonly evaluation: RoundEvaluation }
  | { readonly model: null; readonly evaluation: RoundEvaluation };

/**
 * Trains, calibrates, evaluates and releases: the trainer's job for one round, from a frozen dataset to a model or the reason why
 * there is none. Calibration and evaluation use logits by a student that did not learn from their documents: of all rows in turn
 * (cross-fitting; Platt 1999, section 2.1), or of a part that was held out where training as often would take too long.
 */
export async function trainRound(
  task: Task,
  round: number,
  dataset: Dataset,
  budgetExhausted: boolean,
  ports: { artifacts: ArtifactStore; train: TrainStudent; signal: AbortSignal },
): Promise<TrainedRound> {
  const labels = labelSetOf(task.spec);
  const facts = { task: task.name, round, annotations: dataset.annotations, rejections: dataset.rejections, budgetExhausted };
  const problem = datasetProblem(dataset, labels);
  if (problem !== null) return { model: null, evaluation: { ...facts, model: null, reason: problem, agreement: null, doubted: [] } };

  let doubts: TrainedStudent['doubts'] = [];
  const model = await ports.artifacts.publish(async (folder) => {
    const trained = await ports.train(
      {
        rows: dataset.rows,
        unlabelled: dataset.unlabelled,
        labels,
        settings: task.settings.student,
        score: dataset.certify.map((item) => item.document),
        folder,
      },
      ports.signal,
    );
    doubts = trained.doubts ?? [];
    return manifestOf(task, round, labels, dataset, trained);
  });
  const agreement = model.manifest.evaluations.find((evaluation) => evaluation.reference === 'teacher') ?? null;
  const doubted = doubts.slice(0, mostDoubts(dataset.annotations)).map((doubt) => named(doubt, labels, dataset));
  return { model, evaluation: { ...facts, model: model.digest, reason: 'trained', agreement, doubted } };
}

function named({ row, suggested, probability }: DoubtedRow, labels: LabelSet, { rows }: Dataset): Doubt {
  const { documentId, target } = rows[row]!;
  const names = (indices: LabelIndices) => indices.map((index) => labels.names[index]!);
  return { documentId, labels: names(decide(labels, target)), suggested: names(suggested), probability };
}

async function manifestOf(
  task: Task,
  round: number,
  labels: LabelSet,
  dataset: Dataset,
  trained: TrainedStudent,
): Promise<Omit<ModelManifest, 'files'>> {
  const width = labels.names.length;
  const { heldOut } = trained;
  const scored = heldOut.rows.map((row, at) => ({ ...dataset.rows[row]!, logits: heldOut.logits.subarray(at * width, (at + 1) * width) }));
  const byTeacher = scored.flatMap(({ labelledBy, teacherTarget, ...row }) =>
    labelledBy === 'teacher' || teacherTarget !== undefined ? [{ ...row, target: teacherTarget ?? row.target }] : [],
  );
  const apart = new Set(heldOut.learnedAfter ? [] : heldOut.rows);
  const learned = dataset.rows.filter((_, row) => !apart.has(row));
  // One reference for one figure: people's labels calibrate where they are more than the teacher's.
  const byPeople = scored.filter(({ labelledBy }) => labelledBy === 'person');
  const reference = byTeacher.length >= byPeople.length ? 'teacher' : 'human';
  const calibrating = reference === 'teacher' ? byTeacher : byPeople;
  const { calibration, explanation, probabilities } = await calibrate(
    labels,
    calibrating.map(({ target }) => target),
    joined(calibrating.map(({ logits }) => logits)),
    task.settings.student,
  );

  const agreement: ScoredDocuments = {
    probabilities: reference === 'teacher' ? probabilities : calibrated(labels, joined(byTeacher.map(({ logits }) => logits)), calibration),
    targets: byTeacher.map(({ target }) => target),
  };
  const certify: ScoredDocuments = {
    probabilities: calibrated(labels, trained.scoredLogits, calibration),
    targets: dataset.certify.map((item) => goldTarget(labels, item)),
  };
  return {
    format: manifestFormat(trained),
    task: task.name,
    labellingSpecHash: labellingSpecHash(task.spec),
    round,
    labels,
    student: trained.student,
    ...(trained.ensemble && { ensemble: trained.ensemble }),
    baseModel: trained.baseModel?.name ?? null,
    licence: trained.baseModel?.licence ?? null,
    dataset: {
      fingerprint: dataset.fingerprint,
      annotations: dataset.annotations,
      trainGold: dataset.rows.filter(({ labelledBy }) => labelledBy === 'person').length,
      certifyGold: dataset.certify.length,
      textPairs: learned.filter((row) => row.textPair !== undefined).length,
      unseenLabels: labels.names.filter((_, index) => learned.every(({ target }) => target[index] === 0)),
    },
    training: trained.training,
    calibration: {
      ...calibration,
      documents: calibrating.length,
      reference,
      explanation,
    },
    evaluations: [
      ...(byTeacher.length === 0 ? [] : [evaluate(labels, agreement, 'teacher', heldOut.on)]),
      ...(dataset.certify.length === 0 ? [] : [evaluate(labels, certify, 'human', 'certify-gold')]),
    ],
    routing: chooseThreshold(labels, task.settings.routing, agreement, certify),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

function goldTarget(labels: LabelSet, item: Gold): LabelDistribution {
  return hardDistribution(
    labels,
    item.labels.map((name) => labels.names.indexOf(name)),
  );
}
