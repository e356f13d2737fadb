import { goldRole, LlambertError, type Task } from '@llambert/domain';
import { leastRows } from '@llambert/training';
import type { GoldFile } from './gold.ts';

/**
 * Refuses a run that cannot end with a model, before it pays for a label. Throws `invalid_input` where documents, budget and gold together
 * cannot make as many labelled texts as a student needs.
 */
export function expectEnough(task: Task, gold: GoldFile, documents: number): void {
  const { annotations } = task.settings.budget;
  const fromGold = gold.entries.filter(({ id, draw }) => goldRole(task.name, id, draw) === 'train').length;
  if (Math.min(documents, annotations + fromGold) >= leastRows) return;
  const least = `a student needs at least ${leastRows} labelled texts`;
  if (documents < leastRows) {
    throw new LlambertError('invalid_input', `${least}, and the input has ${documents} that can be used: give it more documents`);
  }
  const gotten = fromGold === 0 ? '' : ` and the gold has ${fromGold} to train on`;
  throw new LlambertError('invalid_input', `${least}, and budget.annotations is ${annotations}${gotten}: raise budget.annotations`);
}
