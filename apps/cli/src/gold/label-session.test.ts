import type { Document } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import type { Key } from '../terminal/keys.ts';
import { labelInTerminal } from './label-session.ts';

const documents = ['a', 'b', 'c'].map((id): Document => ({ id, text: `text of ${id}`, metadata: {} }));

async function session(pressed: string, shown: readonly Document[] = documents) {
  const lines: object[] = [];
  let screen = '';
  async function* keys(): AsyncGenerator<Key> {
    for (const text of pressed) yield text === '^' ? { text: '\x03', name: 'c', ctrl: true } : { text, name: text, ctrl: false };
  }
  const end = await labelInTerminal({
    labels: { kind: 'single', names: ['good', 'bad'] },
    question: 'Is it good?',
    documents: shown,
    draw: 'uniform',
    labelledBefore: 0,
    log: { isEmpty: () => lines.length === 0, append: (line) => lines.push(line), undo: () => lines.pop() !== undefined, close() {} },
    keys: keys(),
    print: (text) => {
      screen += text;
    },
  });
  return { end, lines, screen };
}

describe('labelInTerminal', () => {
  it('labels the documents in their order', async () => {
    const { end, lines } = await session('121');
    expect(end).toEqual({ labelled: 3, putOff: 0, reason: 'done' });
    expect(lines).toEqual([
      { id: 'a', label: 'good', sampled: 'uniform' },
      { id: 'b', label: 'bad', sampled: 'uniform' },
      { id: 'c', label: 'good', sampled: 'uniform' },
    ]);
  });

  it('shows what was put off again at the end, and says where it never got a label', async () => {
    const labelled = await session('s112');
    expect(labelled.end).toEqual({ labelled: 3, putOff: 0, reason: 'done' });
    expect(labelled.lines.map((line) => (line as { id: string }).id)).toEqual(['b', 'c', 'a']);
    const left = await session('s11q');
    expect(left.end).toEqual({ labelled: 2, putOff: 1, reason: 'quit' });
  });

  it('takes back label after label, and no more than there are', async () => {
    const { end, lines, screen } = await session('12uuu222');
    expect(end.reason).toBe('done');
    expect(lines.map((line) => (line as { label: string }).label)).toEqual(['bad', 'bad', 'bad']);
    expect(screen).toContain('nothing to take back');
  });

  it('ends broken at Ctrl-C and where the terminal goes away', async () => {
    expect((await session('1^')).end).toEqual({ labelled: 1, putOff: 0, reason: 'broken' });
    expect((await session('1')).end.reason).toBe('broken');
  });

  it('shows long texts in parts, pairs whole, and no control character of a text', async () => {
    const { screen } = await session('mq', [
      { id: 'x\x1b]0;title\x07', text: `\x1b[2J${'word '.repeat(800)}end`, textPair: 'the other', metadata: {} },
    ]);
    const body = screen.replaceAll('\r\x1b[K', '');
    expect(body).not.toContain('\x1b');
    expect(body).not.toContain('\x07');
    expect(body).toContain('m shows more');
    expect(body).toContain('end\n\n--- second text ---\nthe other');
  });
});
