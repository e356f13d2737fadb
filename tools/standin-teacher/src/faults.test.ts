import { describe, expect, it } from 'vitest';
import { faultNames, parseFault, planFaults } from './faults.ts';

describe('faults', () => {
  it('with probabilities depend on seed, request and attempt, not on the order of calls', () => {
    const plan = { 'rate-limit': { probability: 0.2 }, cut: { probability: 0.1 } };
    const requests = Array.from({ length: 3000 }, (_, index) => `request-${index}`);
    const first = planFaults(plan, 1);
    const second = planFaults(plan, 1);
    const forwards = requests.map((request) => first(request, 1));
    const backwards = requests.toReversed().map((request) => second(request, 1));
    expect(backwards.toReversed()).toEqual(forwards);
    const share = (name: string) => forwards.filter((fault) => fault === name).length / requests.length;
    expect(share('rate-limit')).toBeCloseTo(0.2, 1);
    expect(share('cut')).toBeCloseTo(0.1, 1);
    const other = planFaults(plan, 2);
    expect(requests.map((request) => other(request, 1))).not.toEqual(forwards);
    expect(requests.map((request) => other(request, 2))).not.toEqual(requests.map((request) => other(request, 1)));
  });

  it('with counts are used up, of the server or of each request', () => {
    const first = planFaults({ 'rate-limit': { first: 2 }, hang: { first: 1 } }, 0);
    expect(['a', 'b', 'c', 'd'].map((request) => first(request, 1))).toEqual(['rate-limit', 'rate-limit', 'hang', null]);
    const each = planFaults({ 'server-error': { each: 1 }, cut: { each: 1 } }, 0);
    expect([1, 2, 3].map((attempt) => each('a', attempt))).toEqual(['server-error', 'cut', null]);
    expect(each('b', 1)).toBe('server-error');
  });

  it('are read from arguments; what is none is said so', () => {
    expect(parseFault('rate-limit=0.25')).toEqual({ 'rate-limit': { probability: 0.25 } });
    expect(parseFault('cut=first:3')).toEqual({ cut: { first: 3 } });
    expect(parseFault('hang=each:1')).toEqual({ hang: { each: 1 } });
    for (const argument of ['', 'fire=1', 'cut', 'cut=', 'cut=often', 'cut=last:2']) {
      expect(() => parseFault(argument)).toThrow(faultNames.join(', '));
    }
    expect(() => planFaults({ cut: { probability: 0.7 }, hang: { probability: 0.7 } }, 0)).toThrow(/more than 1/);
    expect(() => planFaults({ cut: { first: 0.5 } }, 0)).toThrow(/cut/);
    expect(() => planFaults({ cut: { probability: 2 } }, 0)).toThrow(/cut/);
  });
});
