import {
  type Annotation,
  type Event,
  type Rejection,
  type RoundEvaluation,
  type RoundOpened,
  type Sample,
  sampleId,
} from '@llambert/domain';
import { aDocument } from './task.ts';

// Things of the domain with everything filled in, so that a test names only what it is about.

export function aDrawnSample(changes: Partial<Sample> = {}): Sample {
  const document = changes.document ?? aDocument();
  return {
    id: sampleId(changes.task ?? 'task', document.id),
    task: 'task',
    round: 1,
    document,
    strategy: 'uniform',
    reason: 'uniform draw',
    inclusionProbability: 0.5,
    ...changes,
  };
}

export function anAnnotation(changes: Partial<Annotation> = {}): Annotation {
  return {
    kind: 'annotation',
    sampleId: sampleId('task', 'document-1'),
    task: 'task',
    round: 1,
    documentId: 'document-1',
    model: 'teacher',
    promptHash: 'hash',
    usage: { input: 100, output: 5 },
    cost: 18_000,
    cached: false,
    labels: ['delivery'],
    distribution: null,
    confidence: null,
    ...changes,
  };
}

export function aRejection(changes: Partial<Rejection> = {}): Rejection {
  const { kind: _, labels: __, distribution: ___, confidence: ____, ...answer } = anAnnotation();
  return { ...answer, kind: 'rejection', reason: 'refused', detail: 'would rather not', ...changes };
}

export function aRound(changes: Partial<RoundOpened> = {}): RoundOpened {
  return { task: 'task', round: 1, samples: 2, deadline: 1_000_000, quorum: 0.9, ...changes };
}

export function anEvaluation(changes: Partial<RoundEvaluation> = {}): RoundEvaluation {
  return {
    task: 'task',
    round: 1,
    annotations: 2,
    rejections: 0,
    model: null,
    reason: 'too few labels',
    agreement: null,
    budgetExhausted: false,
    doubted: [],
    ...changes,
  };
}

export function anEvent(id: string): Event {
  return { id, name: 'round.closed', key: 'task', body: { task: 'task', rounds: 1, end: 'plateau' } };
}
