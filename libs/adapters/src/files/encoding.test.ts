import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll, type Scratch, scratchFolder } from './reading.fixture.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

/** Of a text's characters, their bytes in an encoding that Node only decodes. */
function encode(text: string, name: string): Buffer {
  const decoder = new TextDecoder(name, { fatal: true });
  const table = new Map<string, number[]>();
  const learn = (bytes: number[]) => {
    try {
      const character = decoder.decode(Uint8Array.from(bytes));
      if (!table.has(character)) table.set(character, bytes);
    } catch {
      // No character of this encoding.
    }
  };
  for (let first = 0; first < 256; first++) learn([first]);
  for (let first = 0x80; first < 256; first++) for (let second = 0x40; second < 256; second++) learn([first, second]);
  return Buffer.from([...text].flatMap((character) => table.get(character) ?? [0x3f]));
}

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

// ソ and 表 end in 0x5C in Shift_JIS, which is the backslash elsewhere.
const japanese = 'id,text\n1,"ソフトの表示が、とても遅いです。\n改善してください。"\n2,届きました。ありがとうございます\n';
const expected = { 1: 'ソフトの表示が、とても遅いです。\n改善してください。', 2: '届きました。ありがとうございます' };

describe('encodings', () => {
  it.each([
    ['UTF-8', Buffer.from(japanese), false],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${japanese}`), false],
    ['UTF-16 LE with a mark', Buffer.from(`\ufeff${japanese}`, 'utf16le'), false],
    ['UTF-16 BE with a mark', utf16be(`\ufeff${japanese}`), false],
    ['UTF-16 LE without', Buffer.from(japanese, 'utf16le'), true],
    ['Shift_JIS', encode(japanese, 'shift_jis'), true],
    ['EUC-JP', encode(japanese, 'euc-jp'), true],
  ])('finds %s', async (_, bytes, isGuess) => {
    const { documents, notices, columns } = await readAll(scratch.write('a.csv', bytes));
    expect(Object.fromEntries(documents.map(({ id, text }) => [id, text]))).toEqual(expected);
    expect(columns.id).toBe('id');
    expect(notices.some((notice) => notice.includes('which is a guess'))).toBe(isGuess);
  });

  describe('of which there are several in one file', () => {
    const good = Array.from({ length: 12 }, (_, index) => `g${index},届きました。ありがとうございます\n`);
    const bad = 'b,ソフトの表示が、とても遅いです。改善してください。\n';
    const mixed = (name: string, goodLines: readonly string[], badLine = bad, times = 1) =>
      Buffer.concat([
        Buffer.from(`id,text\n${goodLines.slice(0, 3).join('')}`),
        ...Array.from({ length: times }, () => encode(badLine, name)),
        Buffer.from(goodLines.slice(3).join('')),
      ]);

    it.each([
      ['a line of Shift_JIS', mixed('shift_jis', good)],
      ['as many lines of Shift_JIS as of UTF-8', mixed('shift_jis', good, bad, 12)],
      [
        'a line of windows-1252',
        mixed('windows-1252', ['1,das café\n', '2,ça va bien\n', '3,été à Rügen\n', '4,Öl\n'], '5,Straße, déjà vu\n'),
      ],
    ])('refuses them with the line: %s', async (_, bytes) => {
      const file = scratch.write('a.csv', bytes);
      await expect(readAll(file)).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(/a\.csv:5: .*--encoding/),
        facts: { file, line: 5 },
      });
    });

    it('reads the rest where the encoding is named', async () => {
      const { documents, rejections } = await readAll(scratch.write('a.csv', mixed('shift_jis', good)), { encoding: 'utf-8' });
      expect(documents).toHaveLength(12);
      expect(rejections).toEqual(['invalid_bytes@5']);
    });

    it('refuses of a folder only the document that has them', async () => {
      scratch.write('texts/a.txt', mixed('shift_jis', good));
      scratch.write('texts/b.txt', 'a good text');
      const { documents, rejections } = await readAll(`${scratch.folder}/texts`);
      expect(documents.map(({ text }) => text)).toEqual(['a good text']);
      expect(rejections).toEqual(['invalid_bytes@1']);
    });

    it.each(['shift_jis', 'euc-jp', 'gbk', 'euc-kr', 'windows-1251'])('takes no short lines of %s for UTF-8', async (name) => {
      const words: Record<string, string[]> = {
        shift_jis: ['表示', '遅い', 'とても', '改善'],
        'euc-jp': ['表示', '遅い', 'とても', '改善'],
        gbk: ['联通', '收到', '商品', '没有', '很好', '不行', '谢谢'],
        'euc-kr': ['상품', '배송', '감사', '좋아요'],
        'windows-1251': ['товар', 'не пришёл', 'спасибо', 'очень плохо'],
      };
      const lines = words[name]!.flatMap((word, index) => Array.from({ length: 5 }, (_, time) => `${index}-${time},${word}\n`));
      const { documents } = await readAll(scratch.write('a.csv', encode(`id,text\n${lines.join('')}`, name)));
      expect(documents).toHaveLength(lines.length);
    });
  });

  it('guesses Western European text', async () => {
    const rows = Array.from({ length: 20 }, (_, index) => `${index},Le café était fermé, déjà à l'été ${index}`.replace(', d', ' d')).join(
      '\n',
    );
    const { documents, notices } = await readAll(scratch.write('a.csv', Buffer.from(`id,text\n${rows}\n`, 'latin1')));
    expect(documents[0]!.text).toContain('café était fermé');
    expect(notices.join()).toMatch(/windows-1252, which is a guess/);
  });

  it('takes the encoding that is given, by any of its names, without a notice', async () => {
    const { documents, notices } = await readAll(scratch.write('a.csv', encode(japanese, 'shift_jis')), { encoding: 'sjis' });
    expect(documents[0]!.text).toBe(expected[1]);
    expect(notices.join()).not.toMatch(/guess/);
    await expect(readAll(scratch.write('b.csv', 'id,text\n1,x\n'), { encoding: 'klingon' })).rejects.toThrow(
      /b\.csv: the encoding 'klingon' is unknown/,
    );
  });

  it('reads JSON arrays in other encodings', async () => {
    const content = '[{"id":"1","text":"ソフトの表示が遅いです"},\n{"id":"2","text":"表"}]';
    const { documents } = await readAll(scratch.write('a.json', encode(content, 'shift_jis')));
    expect(documents.map((document) => document.text)).toEqual(['ソフトの表示が遅いです', '表']);
    expect((await readAll(scratch.write('b.json', Buffer.from(`\ufeff${content}`, 'utf16le')))).documents).toEqual(documents);
  });

  it('rejects the lines that are not valid, and keeps the others', async () => {
    const good = Array.from({ length: 40 }, (_, index) => `{"id":"${index}","text":"größer"}\n`).join('');
    const bad = Buffer.concat([Buffer.from('{"id":"bad","text":"'), Buffer.from([0xff, 0xc3]), Buffer.from('"}\n')]);
    const jsonl = await readAll(scratch.write('a.jsonl', Buffer.concat([Buffer.from(good), bad])));
    expect(jsonl.documents).toHaveLength(40);
    expect(jsonl.rejections).toEqual(['invalid_bytes@41']);
    const csv = await readAll(
      scratch.write(
        'a.csv',
        Buffer.concat([
          Buffer.from(`id,text\n${'1,größer\n'.repeat(1)}2,"müßig\n`),
          Buffer.from([0xff]),
          Buffer.from('"\n3,schön\n4,äöüß äöü\n'),
        ]),
      ),
    );
    expect(csv.documents.map((document) => document.id)).toEqual(['1', '3', '4']);
    expect(csv.rejections).toEqual(['invalid_bytes@3']);
  });

  it('finds the encoding of each text of a folder', async () => {
    scratch.write('docs/a.txt', encode('こんにちは。荷物はいつ届きますか？', 'shift_jis'));
    scratch.write('docs/b.txt', 'こんにちは');
    const { documents } = await readAll(`${scratch.folder}/docs`);
    expect(documents.map((document) => document.text)).toEqual(['こんにちは。荷物はいつ届きますか？', 'こんにちは']);
  });
});
