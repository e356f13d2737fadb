import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headAndTail, longestFirst } from './token-truncation.ts';

describe('head and tail', () => {
  it('are those of the paper at its length', () => {
    expect(headAndTail(512, 510)).toEqual({ head: 128, tail: 382 });
  });

  it('fill the room, also the smallest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 9000 }), (maxTokens) => {
        const { head, tail } = headAndTail(maxTokens, maxTokens - 2);
        expect(head + tail).toBe(maxTokens - 2);
        expect(head).toBeGreaterThanOrEqual(0);
        expect(tail).toBeGreaterThan(0);
      }),
    );
  });
});

describe('longest first', () => {
  /** Its definition: one token at a time off the longer text; the last odd one as the reference has it. */
  it('takes tokens off the longer text until both fit', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(60), fc.integer({ min: 1, max: 70 }), (first, second, room) => {
        let [one, other] = [first, second];
        while (one + other > room) {
          if (one > other || (one === other && first <= second)) one--;
          else other--;
        }
        expect(longestFirst(first, second, room)).toEqual([one, other]);
      }),
    );
  });
});
