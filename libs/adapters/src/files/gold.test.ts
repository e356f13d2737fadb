import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readGold } from './gold.ts';
import { type Scratch, scratchFolder } from './reading.fixture.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

describe('readGold', () => {
  it('reads one label or several, and how the document was drawn', async () => {
    const file = scratch.write(
      'gold.jsonl',
      '{"id":"a","label":"x"}\n{"id":2,"labels":["x","y","x"],"sampled":"uniform"}\n\n{"id":"c","labels":[]}\n{"id":"d","label":1}\n{"id":"a","label":"x"}\n',
    );
    expect(await readGold(file)).toEqual([
      { id: 'a', labels: ['x'], draw: 'chosen', line: 1 },
      { id: '2', labels: ['x', 'y'], draw: 'uniform', line: 2 },
      { id: 'c', labels: [], draw: 'chosen', line: 4 },
      { id: 'd', labels: ['1'], draw: 'chosen', line: 5 },
    ]);
    expect((await readGold(file, 'uniform')).map((entry) => entry.draw)).toEqual(['uniform', 'uniform', 'uniform', 'uniform']);
  });

  it('reads CSV', async () => {
    expect(await readGold(scratch.write('gold.csv', 'id,label,sampled,note\na,x,uniform,\nb,"y, z",,n\n'))).toEqual([
      { id: 'a', labels: ['x'], draw: 'uniform', line: 2 },
      { id: 'b', labels: ['y, z'], draw: 'chosen', line: 3 },
    ]);
    const several = await readGold(scratch.write('several.csv', 'id,labels\na,x|y\nb,"[""x, y""]"\nc,\n'));
    expect(several.map((entry) => entry.labels)).toEqual([['x', 'y'], ['x, y'], []]);
  });

  it('lists what is wrong with which lines', async () => {
    const lines = [
      '{"id":"a","label":"x"}',
      '{"label":"x"}',
      '{"id":"b"}',
      '{"id":"c","label":{"is":"x"}}',
      '{"id":"d","label":"x","sampled":"random"}',
      'no json',
      '{"id":"a","label":"y"}',
      '{"id":"e","labels":"[broken"}',
    ];
    const failure = readGold(scratch.write('gold.jsonl', lines.join('\n')));
    await expect(failure).rejects.toMatchObject({ code: 'invalid_input', facts: { faults: 7 } });
    await expect(failure).rejects.toThrow(
      /gold\.jsonl: line 2: there is no "id"; line 3: there is neither.*; line 4: .*; line 5: "sampled" must be.*; line 6: broken JSON.*; line 7: "a" is y \(chosen\), but x \(chosen\) on line 1; line 8: /,
    );
  });

  it('refuses a file without gold, and none', async () => {
    await expect(readGold(scratch.write('gold.csv', 'id,label\n'))).rejects.toThrow(/no gold labels/);
    await expect(readGold(`${scratch.folder}/none.jsonl`)).rejects.toThrow(/none\.jsonl: there is no such file/);
  });
});
