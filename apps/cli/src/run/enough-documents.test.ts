import { parseTaskYaml } from '@llambert/contracts';
import { expect, it } from 'vitest';
import { expectEnough } from './enough-documents.ts';
import { type GoldFile, noGold } from './gold.ts';

const task = (annotations: number) =>
  parseTaskYaml(
    `{task: reviews, description: Good?, labels: [positive, negative], teacher: {model: m, baseUrl: 'http://127.0.0.1/v1', price: {input: 1, output: 2}}, budget: {annotations: ${annotations}}}`,
    { fileName: 'task.yaml' },
  ).task;
const goldOf = (count: number): GoldFile => ({
  digest: 'd',
  // Only what was drawn uniformly certifies: all of these train.
  entries: Array.from({ length: count }, (_, index) => ({ id: `d${index}`, labels: ['positive'], draw: 'chosen', line: index + 1 })),
});

it('lets pass what can make ten labelled texts, from the teacher or from people', () => {
  expect(() => expectEnough(task(10), noGold, 10)).not.toThrow();
  expect(() => expectEnough(task(1), goldOf(9), 10)).not.toThrow();
});

it('refuses what cannot, and says what is missing', () => {
  expect(() => expectEnough(task(2000), goldOf(20), 9)).toThrow('at least 10 labelled texts, and the input has 9');
  expect(() => expectEnough(task(9), noGold, 1000)).toThrow('budget.annotations is 9: raise');
  expect(() => expectEnough(task(1), goldOf(8), 1000)).toThrow('budget.annotations is 1 and the gold has 8 to train on');
});
