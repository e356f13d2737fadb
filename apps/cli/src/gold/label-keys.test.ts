import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Key } from '../terminal/keys.ts';
import { nothingChosen, type Pressed, pressKey } from './label-keys.ts';

const enter: Key = { text: '\r', name: 'return', ctrl: false };
const typed = (text: string): Key => ({ text, name: text, ctrl: false });
const names = (count: number) => Array.from({ length: count }, (_, index) => `label ${index + 1}`);

function pressAll(kind: 'single' | 'multi', count: number, pressed: readonly Key[]): Pressed {
  let result: Pressed = { kind: 'choosing', choice: nothingChosen };
  for (const key of pressed) {
    if (result.kind !== 'choosing') return result;
    result = pressKey({ kind, names: names(count) }, result.choice, key);
  }
  return result;
}

describe('pressKey', () => {
  it('decides at the first digit where there are at most nine labels', () => {
    expect(pressAll('single', 3, [typed('2')])).toEqual({ kind: 'labelled', labels: ['label 2'] });
    expect(pressAll('single', 3, [typed('4')]).kind).toBe('choosing');
    expect(pressAll('single', 3, [typed('0')]).kind).toBe('choosing');
    expect(pressAll('single', 3, [enter]).kind).toBe('choosing');
  });

  it('waits for the second digit only where one can follow', () => {
    expect(pressAll('single', 12, [typed('2')])).toEqual({ kind: 'labelled', labels: ['label 2'] });
    expect(pressAll('single', 12, [typed('1')]).kind).toBe('choosing');
    expect(pressAll('single', 12, [typed('1'), typed('1')])).toEqual({ kind: 'labelled', labels: ['label 11'] });
    expect(pressAll('single', 12, [typed('1'), enter])).toEqual({ kind: 'labelled', labels: ['label 1'] });
  });

  it('reaches every label by its number and Enter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), (count, pick) => {
        const number = (pick % count) + 1;
        expect(pressAll('single', count, [...[...String(number)].map(typed), enter])).toEqual({
          kind: 'labelled',
          labels: [`label ${number}`],
        });
      }),
    );
  });

  it('turns labels on and off where there may be several, and Enter ends the choice', () => {
    expect(pressAll('multi', 4, [typed('3'), typed('1'), enter])).toEqual({ kind: 'labelled', labels: ['label 1', 'label 3'] });
    expect(pressAll('multi', 4, [typed('3'), typed('3'), enter])).toEqual({ kind: 'labelled', labels: [] });
    expect(pressAll('multi', 12, [typed('1'), enter, enter])).toEqual({ kind: 'labelled', labels: ['label 1'] });
  });

  it('knows the other keys, and Ctrl-C', () => {
    for (const [key, kind] of Object.entries({ u: 'undo', s: 'later', q: 'quit', m: 'more' })) {
      expect(pressAll('single', 3, [typed(key)]).kind).toBe(kind);
    }
    expect(pressAll('single', 3, [{ text: '\x03', name: 'c', ctrl: true }]).kind).toBe('break');
  });

  it('never labels by a key that is neither digit nor Enter', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.boolean(), (text, name, ctrl) => {
        fc.pre(!/^[0-9]$/.test(text) && name !== 'return' && name !== 'enter');
        expect(pressAll('single', 3, [{ text, name, ctrl }]).kind).not.toBe('labelled');
      }),
    );
  });
});
