import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { float32Tensor, writeSafetensors } from '../safetensors.ts';
import { encoderConfigJson } from './config.ts';
import { checkTokenizerIsOwn } from './foreign-tokenizer.ts';
import { checkPretrained, loadPretrained } from './pretrained.ts';
import { initialWeights, scratchConfig } from './scratch.ts';
import { readTokenizer } from './tokenizer.ts';
import { encoderWeightShapes } from './weights.ts';

const jsonOf = (name: string) => readFile(new URL(`../../fixtures/tokenizers/${name}.json`, import.meta.url), 'utf8');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llambert-tokenizer-'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = (name: string, contents: string | Uint8Array) => writeFile(join(folder, name), contents);
/** Checks the tokenizer of that name, beside a table with so many rows more. */
const check = async (name: string, spareRows = 0) => {
  const json = await jsonOf(name);
  const tokenizer = readTokenizer(json, name);
  return checkTokenizerIsOwn(folder, json, tokenizer, { vocabularySize: tokenizer.vocabularySize + spareRows });
};
const vocabularyOf = async (name: string): Promise<Record<string, number>> => JSON.parse(await jsonOf(name)).model.vocab;
/** The lines of a vocab.txt. */
const linesOf = async (name: string) =>
  Object.entries(await vocabularyOf(name))
    .sort(([, left], [, right]) => left - right)
    .map(([token]) => token);
const refusal = (message: RegExp) => expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(message) });

describe('a tokenizer passes as its own', () => {
  it.each(['bert-uncased', 'roberta', 'xlm-roberta'])('where there is nothing else, and the table is padded: %s', async (name) => {
    for (const spareRows of [0, 28, 1000, 1024]) await check(name, spareRows);
  });

  it('with its vocabulary beside it, even one that is older than its added tokens or not quite right', async () => {
    const lines = await linesOf('bert-uncased');
    for (const own of [lines, lines.slice(0, 800), [...lines, 'newer'], ['[pad]', ...lines.slice(1)]]) {
      await put('vocab.txt', `${own.join('\n')}\n`);
      await check('bert-uncased');
      await put('vocab.txt', own.join('\r\n'));
      await check('bert-uncased');
    }
    await put('vocab.json', JSON.stringify(await vocabularyOf('roberta')));
    await check('roberta');
  });

  it('beside files of other formats under those names', async () => {
    // That of fairseq, as in BERTweet's repository: tokens and how often they occur.
    await put('vocab.txt', 'the 1000\nof 900\n');
    await check('roberta');
    await check('xlm-roberta');
    for (const other of ['', 'not JSON', '[]', 'null', '7']) {
      await put('vocab.json', other);
      await check('roberta');
    }
    await put('vocab.txt', '');
    await check('bert-uncased');
  });
});

describe('a tokenizer is refused as foreign', () => {
  it('where its ids go beyond the table', async () => {
    await expect(check('bert-uncased', -1)).rejects.toEqual(refusal(/only 901 rows/));
  });

  it('where the table has more rows than padding explains, with the way out for a model of which that is true', async () => {
    await expect(check('bert-uncased', 1025)).rejects.toEqual(
      refusal(/1927 rows, but tokenizer\.json only 902 tokens.*resize_token_embeddings\(902\)/),
    );
  });

  it('where the vocabulary beside it is another of the same size', async () => {
    await put('vocab.txt', (await linesOf('bert-cased')).join('\n'));
    await expect(check('bert-uncased')).rejects.toEqual(refusal(/has 11 of the 900 tokens of vocab\.txt at their ids/));
    await put('vocab.json', JSON.stringify(await vocabularyOf('bert-cased')));
    await expect(check('roberta')).rejects.toEqual(refusal(/of the 900 tokens of vocab\.json at their ids/));
  });

  it('by whoever reads or checks a checkpoint', async () => {
    const config = { ...scratchConfig(902), hiddenSize: 8, layers: 1, heads: 1, intermediateSize: 8 };
    const shapes = encoderWeightShapes(config);
    const tensors = [...initialWeights(config, 1)].map(([name, values]) => [name, float32Tensor(shapes.get(name)!, values)] as const);
    await put('config.json', JSON.stringify(encoderConfigJson(config)));
    await put('model.safetensors', writeSafetensors(new Map(tensors)));
    await put('tokenizer.json', await jsonOf('bert-uncased'));
    await checkPretrained(folder);
    expect((await loadPretrained(folder)).tokenizer.vocabularySize).toBe(902);

    await put('vocab.txt', (await linesOf('bert-cased')).join('\n'));
    await expect(checkPretrained(folder)).rejects.toEqual(refusal(/another model/));
    await expect(loadPretrained(folder)).rejects.toEqual(refusal(/another model/));
  });
});
