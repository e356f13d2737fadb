import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAtInput } from './look-at-input.ts';
import { type Scratch, scratchFolder } from './reading.fixture.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

describe('lookAtInput', () => {
  it('shows columns with examples, guesses what they are, and gives the first documents', async () => {
    const rows = Array.from(
      { length: 1000 },
      (_, index) => `${index},Message number ${index} ${'x'.repeat(100)},${index % 3 === 0 ? 'spam' : 'ham'}\n`,
    ).join('');
    const look = await lookAtInput([scratch.write('a.csv', `id,message,label\n${rows}`)], { fields: {}, limit: 50 });
    expect(look.fields).toEqual({ id: 'id', text: 'message', textPair: null, label: 'label' });
    expect(look.documents).toHaveLength(50);
    expect(look.documents[0]).toMatchObject({ id: '0', metadata: { label: 'spam' } });
    expect(look.columns.map((column) => column.name)).toEqual(['id', 'message', 'label']);
    expect(look.columns[2]!.examples).toEqual(['spam', 'ham']);
    expect(look.columns[1]!.examples).toHaveLength(10);
    expect(look.columns[1]!.examples[0]).toMatch(/^Message number 0 x+…$/);
  });

  it('guesses the text from the values where no name says it, and none where they do not', async () => {
    const prose = scratch.write('a.csv', `nr,Anliegen,Kanal\n1,${'Ich habe eine Frage '.repeat(5)},mail\n2,Wo bleibt mein Paket?,chat\n`);
    expect((await lookAtInput([prose], { fields: {} })).fields).toMatchObject({ id: null, text: 'Anliegen', label: null });
    const unclear = await lookAtInput([scratch.write('b.csv', 'left,right\nabc,def\n')], { fields: {} });
    expect(unclear).toMatchObject({ fields: { text: null }, documents: [] });
    const asked = await lookAtInput([prose], { fields: { text: 'Kanal' } });
    expect(asked.documents.map((document) => document.text)).toEqual(['mail', 'chat']);
    await expect(lookAtInput([prose], { fields: { text: 'body' } })).rejects.toThrow(/no column "body"\. The columns are "nr", "Anliegen"/);
  });

  it('tells which columns could hold ids', async () => {
    const rows = ['1,07,a,eins zwei drei vier', '2,08,a,fünf', '3,08,b,sechs'];
    const file = scratch.write('a.csv', `番号,day,kind,text\n${rows.join('\n')}\n`);
    expect((await lookAtInput([file], { fields: {} })).unique).toEqual(['番号']);
    const gap = scratch.write('b.csv', `nr,text\n1,eins\n,zwei\n3,drei\n`);
    expect((await lookAtInput([gap], { fields: {} })).unique).toEqual([]);
    expect((await lookAtInput([scratch.write('c.csv', 'nr,text\n1,eins\n')], { fields: {} })).unique).toEqual([]);
  });

  it('does not read on to what is broken behind, and goes on to the next file where one is short', async () => {
    const first = scratch.write('a.jsonl', '{"id":"a","text":"one"}\n');
    const second = scratch.write('b.jsonl', '{"id":"b","text":"two"}\n{"id":"c","text":"three"}\n');
    expect((await lookAtInput([first, second], { fields: {}, limit: 2 })).documents.map((document) => document.id)).toEqual(['a', 'b']);
  });
});
