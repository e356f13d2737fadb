import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { goalOf, goalOfRows } from './goal.ts';

const two: LabelSet = { kind: 'single', names: ['no', 'yes'] };
const three: LabelSet = { kind: 'single', names: ['a', 'b', 'c'] };
const many: LabelSet = { kind: 'multi', names: ['x', 'y'] };

const row = (target: number[], weight = 1) => ({ target, weight });

describe('goalOf', () => {
  it('makes two exclusive labels one question', () => {
    const goal = goalOf([row([1, 0]), row([0, 1], 3), row([0.25, 0.75], 2)], two, false);
    expect(goal).toMatchObject({ link: 'logistic', outputs: 1 });
    expect([...goal.targets]).toEqual([0, 1, 0.75]);
    expect([...goal.weights]).toEqual([0.5, 1.5, 1]);
  });

  it('keeps the distribution of several exclusive labels, and each of several labels by itself', () => {
    expect(goalOf([row([1, 0, 0]), row([0.5, 0.5, 0])], three, false)).toMatchObject({ link: 'softmax', outputs: 3 });
    const goal = goalOf([row([1, 0]), row([1, 1]), row([0, 0])], many, false);
    expect(goal).toMatchObject({ link: 'logistic', outputs: 2 });
    expect([...goal.targets]).toEqual([1, 0, 1, 1, 0, 0]);
  });

  it('balances: every label that occurs weighs the same in sum', () => {
    const rows = [row([1, 0, 0]), row([1, 0, 0]), row([1, 0, 0], 2), row([0, 1, 0]), row([0.5, 0.5, 0])];
    const { targets, weights } = goalOf(rows, three, true);
    const mass = [0, 1, 2].map((label) => rows.reduce((sum, _, index) => sum + weights[index * 3]! * targets[index * 3 + label]!, 0));
    expect(mass[0]).toBeCloseTo(mass[1]!, 9);
    expect(mass[2]).toBe(0);
    expect(weights[0]! * rows.length).toBeGreaterThan(0);
  });

  it('balances each of several labels against its absence', () => {
    const { targets, weights } = goalOf(
      [row([1, 0]), row([0, 0]), row([0, 0]), row([0, 0])],
      { kind: 'multi', names: ['x', 'never'] },
      true,
    );
    const cells = [0, 1, 2, 3].map((index) => ({ target: targets[2 * index]!, weight: weights[2 * index]! }));
    const sum = (label: number) => cells.filter(({ target }) => target === label).reduce((total, { weight }) => total + weight, 0);
    expect(sum(1)).toBeCloseTo(sum(0), 9);
    expect(weights.every(Number.isFinite)).toBe(true);
  });

  it.each([
    ['fewer than two documents', [row([1, 0])], /too few/],
    ['one label only', [row([1, 0]), row([1, 0])], /same label \(no\)/],
    ['another label of weight 0 only', [row([1, 0]), row([0, 1], 0)], /same label \(no\)/],
    ['no weight at all', [row([1, 0], 0), row([0, 1], 0)], /weight 0/],
    ['a target of another length', [row([1, 0]), row([0, 0, 1])], /training row 1: its target/],
    ['a target that does not sum to 1', [row([1, 0]), row([0.5, 0.2])], /training row 1: its target/],
    ['a target below 0', [row([1.5, -0.5]), row([0, 1])], /training row 0: its target/],
    ['a negative weight', [row([1, 0]), row([0, 1], -1)], /training row 1: its weight/],
    ['a weight that is not a number', [row([1, 0]), row([0, 1], Number.NaN)], /training row 1: its weight/],
  ])('refuses %s', (_, rows, message) => {
    expect(() => goalOf(rows, two, false)).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(message) }),
    );
  });

  it('refuses rows that all lack every label', () => {
    expect(() => goalOf([row([0, 0]), row([0, 0])], many, false)).toThrow(/same label \(none\)/);
  });
});

describe('goalOfRows', () => {
  it('picks rows', () => {
    const goal = goalOfRows(goalOf([row([1, 0, 0]), row([0, 1, 0]), row([0, 0, 1], 2)], three, false), Int32Array.of(2, 0));
    expect([...goal.targets]).toEqual([0, 0, 1, 1, 0, 0]);
    expect([...goal.weights]).toEqual([1.5, 1.5, 1.5, 0.75, 0.75, 0.75]);
  });
});
