import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { writeRows, writeTextAtomically } from '@llambert/adapters/files';
import { deadLetterTopic, decodeDeadLetter, decodeEvent, decodePrediction, topicName } from '@llambert/contracts';
import {
  type Answer,
  type ConsumedRecord,
  type EventLog,
  inUsd,
  type LabelKind,
  type Prediction,
  type RejectionReason,
  sampleId,
  secondSampleId,
} from '@llambert/domain';
import { serviceName as inferenceName } from '@llambert/inference';
import type { Summary } from '@llambert/review';
import { deadLetterRow } from './dead-letter-file.ts';
import { refusedTopic } from './ingest.ts';
import type { RunFolder } from './run-folder.ts';

/** What was counted while the labels were written. */
export interface LabelCounts {
  readonly labelled: number;
  readonly auto: number;
  readonly review: number;
  /** Documents of which the student read only a part. */
  readonly truncated: number;
  readonly byLabel: Record<string, number>;
}

/** Counts predictions as they pass by. */
export function predictionCounter(names: readonly string[]): { readonly counts: LabelCounts; count(prediction: Prediction): void } {
  const byLabel = Object.fromEntries(names.map((name) => [name, 0])) as Record<string, number>;
  const counts = { labelled: 0, auto: 0, review: 0, truncated: 0, byLabel };
  return {
    counts,
    count: ({ route, truncated, labels }) => {
      counts.labelled += 1;
      counts[route] += 1;
      if (truncated) counts.truncated += 1;
      for (const label of labels) byLabel[label]! += 1;
    },
  };
}

/** Writes `labels.jsonl`, a line for each prediction, in the order of the input. */
export async function writeLabels(run: RunFolder, topic: string, kind: LabelKind, names: readonly string[]): Promise<LabelCounts> {
  const { counts, count } = predictionCounter(names);
  const rows = mapRecords(run.eventLog, topic, (record) => {
    const prediction = decodePrediction(record);
    count(prediction);
    return labelRow(prediction, kind, names);
  });
  await writeRows(run.paths.labels, 'jsonl', null, rows);
  return counts;
}

/** A prediction as scripts read it. */
export function labelRow(prediction: Prediction, kind: LabelKind, names: readonly string[]): Record<string, unknown> {
  return {
    id: prediction.documentId,
    ...(kind === 'single' ? { label: prediction.labels[0] } : { labels: prediction.labels }),
    probability: prediction.probability,
    probabilities: Object.fromEntries(names.map((name, index) => [name, prediction.probabilities[index]])),
    route: prediction.route,
    truncated: prediction.truncated,
    model: prediction.model,
  };
}

export interface AnswerCounts {
  readonly labelled: number;
  readonly rejections: Partial<Record<RejectionReason, number>>;
  /** Documents that the teacher was asked about a second time. */
  readonly askedAgain: number;
  /** Those of them that it then labelled otherwise. */
  readonly changed: number;
}

/** Writes `annotations.jsonl`: every sample's answer, once, rejections with their reasons. */
export async function writeAnnotations(run: RunFolder, prefix: string): Promise<AnswerCounts> {
  /** What was said about each sample. */
  const seen = new Map<string, string | null>();
  const counts = { labelled: 0, rejections: {} as Partial<Record<RejectionReason, number>>, askedAgain: 0, changed: 0 };
  const topic = topicName(prefix, 'sample.answered');
  const rows = mapRecords(run.eventLog, topic, (record) => {
    const answer = decodeEvent('sample.answered', record);
    // The outbox sends at least once.
    if (seen.has(answer.sampleId)) return null;
    const said = answer.kind === 'annotation' ? answer.labels.join('\n') : null;
    seen.set(answer.sampleId, said);
    if (answer.kind === 'annotation') counts.labelled += 1;
    else counts.rejections[answer.reason] = (counts.rejections[answer.reason] ?? 0) + 1;
    if (isSecond(answer) && wasAsked(answer)) {
      counts.askedAgain += 1;
      if (said !== null && said !== seen.get(sampleId(answer.task, answer.documentId))) counts.changed += 1;
    }
    return answerRow(answer);
  });
  await writeRows(run.paths.annotations, 'jsonl', null, rows);
  return counts;
}

function isSecond({ sampleId: id, task, documentId }: Answer): boolean {
  return id === secondSampleId(task, documentId);
}

/** What there was no money for, or would not have fitted, never reached the teacher. */
function wasAsked(answer: Answer): boolean {
  return answer.kind === 'annotation' || !['budget_exhausted', 'too_long'].includes(answer.reason);
}

function answerRow(answer: Answer): Record<string, unknown> {
  const what =
    answer.kind === 'annotation'
      ? { labels: answer.labels, confidence: answer.confidence, distribution: answer.distribution }
      : { rejected: answer.reason, detail: answer.detail };
  return {
    id: answer.documentId,
    round: answer.round,
    ...(isSecond(answer) ? { askedAgain: true } : {}),
    ...what,
    model: answer.model,
    promptHash: answer.promptHash,
    tokens: answer.usage,
    costUsd: inUsd(answer.cost),
    cached: answer.cached,
  };
}

/** Writes `dead-letters.jsonl`: every record that could not be used, with the reason. Returns how many. */
export async function writeDeadLetters(run: RunFolder, prefix: string): Promise<number> {
  let written = 0;
  const rows = async function* () {
    for (const topic of [refusedTopic, deadLetterTopic(prefix, inferenceName)]) {
      yield* mapRecords(run.eventLog, topic, (record) => {
        const letter = decodeDeadLetter(record);
        written += 1;
        return deadLetterRow(letter);
      });
    }
  };
  await writeRows(run.paths.deadLetters, 'jsonl', null, rows());
  return written;
}

/** Puts the deployed model's artifact beside the labels, whole or not at all. */
export async function copyModel(run: RunFolder, digest: string): Promise<void> {
  const { folder } = await run.artifacts.open(digest);
  // The folder's lock lets one process in, so fixed names do; what a killed one left under them is swept first.
  const fresh = `${run.paths.model}.new`;
  const old = `${run.paths.model}.old`;
  for (const left of [fresh, old]) rmSync(left, { recursive: true, force: true });
  try {
    cpSync(folder, fresh, { recursive: true });
    if (existsSync(run.paths.model)) renameSync(run.paths.model, old);
    renameSync(fresh, run.paths.model);
  } finally {
    for (const left of [fresh, old]) rmSync(left, { recursive: true, force: true });
  }
}

/** Takes away a former loop's model where this loop has none: it must not be taken for this one's. */
export function removeModel(run: RunFolder): void {
  rmSync(run.paths.model, { recursive: true, force: true });
}

export async function writeSummary(run: RunFolder, summary: Summary): Promise<void> {
  await writeTextAtomically(run.paths.summary, `${JSON.stringify(summary, null, 2)}\n`);
}

async function* mapRecords<T>(eventLog: EventLog, topic: string, map: (record: ConsumedRecord) => T | null): AsyncIterable<T> {
  for await (const batch of eventLog.read(topic, 0, 0)) {
    for (const record of batch) {
      const mapped = map(record);
      if (mapped !== null) yield mapped;
    }
  }
}
