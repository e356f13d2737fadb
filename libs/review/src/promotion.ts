import type { ModelReleased } from '@llambert/domain';

/**
 * Which of a task's models is to answer: the newest, which learned from the most labels, of those whose agreement with the teacher is
 * not so far below an older one's that the intervals do not touch. Certify gold takes no part in the choice: a guarantee tested on the
 * documents that chose the model would not hold.
 */
export function modelToPromote(models: readonly ModelReleased[]): ModelReleased | null {
  const byRound = models.toSorted((left, right) => left.manifest.round - right.manifest.round);
  return byRound.findLast((model, index) => !byRound.slice(0, index).some((older) => clearlyWorse(model, older))) ?? null;
}

function clearlyWorse(model: ModelReleased, than: ModelReleased): boolean {
  const interval = agreementInterval(model);
  const other = agreementInterval(than);
  return interval !== null && other !== null && interval.upper < other.lower;
}

function agreementInterval(model: ModelReleased): { lower: number; upper: number } | null {
  const agreement = model.manifest.evaluations.find((evaluation) => evaluation.reference === 'teacher' && evaluation.on !== 'certify-gold');
  return agreement?.accuracyInterval ?? null;
}
