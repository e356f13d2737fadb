import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { float32Tensor, type Tensor, writeSafetensors } from '../safetensors.ts';
import { openCheckpoint, readEncoderConfig } from './checkpoint.ts';
import type { EncoderConfig } from './config.ts';
import { initialWeights } from './scratch.ts';
import { checkpointNames, encoderWeightShapes } from './weights.ts';

const config: EncoderConfig = {
  family: 'bert',
  vocabularySize: 11,
  hiddenSize: 4,
  layers: 2,
  heads: 2,
  intermediateSize: 6,
  positions: 8,
  firstPosition: 0,
  tokenTypes: 2,
  layerNormEpsilon: 1e-12,
  padTokenId: 0,
  dropout: { hidden: 0.1, attention: 0.1 },
};
const configJson = {
  model_type: 'bert',
  vocab_size: 11,
  hidden_size: 4,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 6,
  max_position_embeddings: 8,
};
const weights = initialWeights(config, 1);
const shapes = encoderWeightShapes(config);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llambert-checkpoint-'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = (name: string, contents: Uint8Array | object) =>
  writeFile(join(folder, name), contents instanceof Uint8Array ? contents : JSON.stringify(contents));
/** The tensors of the checkpoint under the names that `rename` gives them. */
const tensors = (rename: (name: string) => string = (name) => name): Map<string, Tensor> =>
  new Map([...weights].map(([name, values]) => [rename(name), float32Tensor(shapes.get(name)!, values)]));
const putModel = async (own: ReadonlyMap<string, Tensor> = tensors()) => {
  await put('config.json', configJson);
  await put('model.safetensors', writeSafetensors(own));
};
/** A checkpoint with its weights read. */
async function loadCheckpoint(from: string) {
  const checkpoint = await openCheckpoint(from);
  return { ...checkpoint, weights: await checkpoint.readWeights() };
}
const refusal = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('a checkpoint', () => {
  it('is read from one file, heads and buffers passed over', async () => {
    const own = tensors();
    own.set('pooler.dense.weight', float32Tensor([1], Float32Array.of(1)));
    own.set('embeddings.position_ids', { type: 'I64', shape: [1, 8], bytes: new Uint8Array(64) });
    await putModel(own);
    const loaded = await loadCheckpoint(folder);
    expect(loaded.config).toEqual(config);
    expect(loaded.weights).toEqual(weights);
    expect([...loaded.weights.keys()]).toEqual([...shapes.keys()]);
    expect(loaded.licence).toBeNull();
  });

  it('of a model with a head, from the days of TensorFlow, is the same', async () => {
    await putModel(
      tensors((name) => `bert.${name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta')}`),
    );
    expect((await loadCheckpoint(folder)).weights).toEqual(weights);
  });

  it("of DistilBERT comes under BERT's names", async () => {
    const distil: EncoderConfig = { ...config, family: 'distilbert', tokenTypes: 0 };
    const own = initialWeights(distil, 2);
    const nameOf = checkpointNames('distilbert');
    await put('config.json', {
      model_type: 'distilbert',
      vocab_size: 11,
      dim: 4,
      n_layers: 2,
      n_heads: 2,
      hidden_dim: 6,
      max_position_embeddings: 8,
    });
    const named = [...own].map(([name, values]) => [`distilbert.${nameOf(name)}`, float32Tensor(shapes.get(name)!, values)] as const);
    await put('model.safetensors', writeSafetensors(new Map(named)));
    const loaded = await loadCheckpoint(folder);
    expect(loaded.config).toEqual(distil);
    expect(loaded.weights).toEqual(own);
  });

  it('in shards is put together by its index', async () => {
    await put('config.json', configJson);
    const all = [...tensors((name) => `bert.${name}`)];
    const shardOf = (index: number) => `model-0000${(index % 2) + 1}-of-00002.safetensors`;
    for (const rest of [0, 1]) await put(shardOf(rest), writeSafetensors(new Map(all.filter((_, index) => index % 2 === rest))));
    const index = { metadata: {}, weight_map: Object.fromEntries(all.map(([name], index) => [name, shardOf(index)])) };
    await put('model.safetensors.index.json', index);
    expect((await loadCheckpoint(folder)).weights).toEqual(weights);

    await rm(join(folder, shardOf(1)));
    await expect(loadCheckpoint(folder)).rejects.toEqual(refusal('not_found', /lacks model-00002-of-00002\.safetensors/));
    await put(shardOf(1), writeSafetensors(new Map(all.slice(0, 1))));
    await expect(loadCheckpoint(folder)).rejects.toEqual(
      refusal('corrupt_artifact', /has no tensor ".*", which model\.safetensors\.index\.json says/),
    );
    for (const outside of ['../secret.safetensors', '/etc/x.safetensors', 'a\\b.safetensors', '..', '.safetensors', 'weights.bin', 7]) {
      await put('model.safetensors.index.json', { weight_map: { ...index.weight_map, 'bert.pooler.dense.bias': outside } });
      await expect(loadCheckpoint(folder)).rejects.toEqual(refusal('corrupt_artifact', /not the name of a \.safetensors file beside it/));
    }
    for (const map of [undefined, null, [], 'x']) {
      await put('model.safetensors.index.json', { weight_map: map });
      await expect(loadCheckpoint(folder)).rejects.toEqual(refusal('corrupt_artifact', /"weight_map"/));
    }
  });

  it('of 16 bits gives the float32 that each stands for', async () => {
    const shape = shapes.get('embeddings.word_embeddings.weight')!;
    // Sign, exponent and fraction by the IEEE 754 definition of binary16: also subnormals, the largest, and both zeros.
    const halfBits = [0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x3c00, 0xbc01, 0x7bff, 0x3555];
    const halfValue = (bits: number) => {
      const exponent = (bits >> 10) & 31;
      const fraction = (bits & 1023) / 1024;
      return (bits >> 15 ? -1 : 1) * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
    };
    const brainBits = [0x0000, 0x8000, 0x0001, 0x3f80, 0xbf81, 0x7f7f, 0x4049];
    const brainValue = (bits: number) => {
      const exponent = (bits >> 7) & 255;
      const fraction = (bits & 127) / 128;
      return (bits >> 15 ? -1 : 1) * (exponent === 0 ? fraction * 2 ** -126 : (1 + fraction) * 2 ** (exponent - 127));
    };
    for (const [type, bits, meaning] of [
      ['F16', halfBits, halfValue],
      ['BF16', brainBits, brainValue],
    ] as const) {
      const codes = Uint16Array.from({ length: 44 }, (_, index) => bits[index % bits.length]!);
      const own = tensors().set('embeddings.word_embeddings.weight', { type, shape, bytes: new Uint8Array(codes.buffer) });
      await putModel(own);
      const read = (await loadCheckpoint(folder)).weights.get('embeddings.word_embeddings.weight')!;
      expect([...read]).toEqual([...codes].map(meaning));
    }
  });

  it.each<[string, string | null]>([
    ['---\nlanguage: en\nlicense: apache-2.0\ntags:\n- x\n---\n# Title\nlicense: mit\n', 'apache-2.0'],
    ['---\r\nlicense: "mit" # as said\r\n---\r\n', 'mit'],
    ['# Title\nlicense: mit\n---\n', null],
    ['---\nlicense:\n- mit\n- x\n---\n', null],
    ['---\nlicense: mit\n', null],
    ['text\n---\nlicense: mit\n---\n', null],
  ])('has the licence of its README: %j', async (readme, licence) => {
    await putModel();
    await writeFile(join(folder, 'README.md'), readme);
    expect((await loadCheckpoint(folder)).licence).toBe(licence);
  });
});

describe('a checkpoint is refused', () => {
  const expectRefusal = (code: string, message: RegExp) => expect(loadCheckpoint(folder)).rejects.toEqual(refusal(code, message));

  it('where files are missing', async () => {
    await expect(loadCheckpoint(join(folder, 'nowhere'))).rejects.toEqual(refusal('not_found', /holds no model: it has no config\.json/));
    await put('config.json', configJson);
    expect(await readEncoderConfig(folder)).toEqual(config);
    await expectRefusal('not_found', /neither model\.safetensors nor model\.safetensors\.index\.json/);
    await mkdir(join(folder, 'model.safetensors'));
    await expectRefusal('invalid_input', /cannot be read: EISDIR/);
  });

  it('as a pickle, with the way to convert it', async () => {
    await put('config.json', configJson);
    await put('pytorch_model.bin', new Uint8Array(4));
    await expectRefusal('invalid_input', /pytorch_model\.bin only[\s\S]*from transformers import AutoModel\n.*save_pretrained/);
  });

  it('where JSON is none', async () => {
    await putModel();
    await writeFile(join(folder, 'config.json'), '{"model_type": ');
    await expectRefusal('corrupt_artifact', /config\.json is damaged: it is not JSON/);
    await put('config.json', { ...configJson, model_type: 'gpt2' });
    await expectRefusal('invalid_input', /config\.json .*"gpt2" is not supported/);
  });

  it('where the weights are those of another config', async () => {
    await putModel();
    await put('config.json', { ...configJson, num_hidden_layers: 3 });
    await expectRefusal('corrupt_artifact', /has no tensor "encoder\.layer\.2\.attention\.self\.query\.weight"/);
    await put('config.json', { ...configJson, num_hidden_layers: 1 });
    await expectRefusal('corrupt_artifact', /says 1 layers, but model\.safetensors has more/);
    await put('config.json', { ...configJson, vocab_size: 12 });
    await expectRefusal('corrupt_artifact', /word_embeddings\.weight".*has the shape \[11,4\], and by config\.json it is \[12,4\]/);
    await put('config.json', { ...configJson, model_type: 'distilbert', dim: 4, n_layers: 2, n_heads: 2, hidden_dim: 6 });
    await expectRefusal('corrupt_artifact', /has no tensor "transformer\.layer\.0/);
  });

  it('with numbers of another kind, or none', async () => {
    const name = 'encoder.layer.1.output.dense.bias';
    await putModel(tensors().set(name, { type: 'I8', shape: [4], bytes: new Uint8Array(4) }));
    await expectRefusal('invalid_input', /output\.dense\.bias".* is of type I8: read are F32, F16 and BF16/);
    await putModel(tensors().set(name, float32Tensor([4], Float32Array.of(0, Number.NaN, 0, 0))));
    await expectRefusal('corrupt_artifact', /output\.dense\.bias".*no finite numbers/);
  });

  it('as the pointer of Git LFS', async () => {
    await putModel();
    await writeFile(
      join(folder, 'model.safetensors'),
      `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`,
    );
    await expectRefusal('corrupt_artifact', /git lfs pull/);
  });

  it('or read, and nothing else, with any bytes changed or cut off', async () => {
    await putModel();
    const file = await readFile(join(folder, 'model.safetensors'));
    const header = 8 + Number(file.readBigUInt64LE(0));
    const at = fc.oneof(fc.nat(header), fc.nat(file.length - 1));
    const changes = fc.array(fc.tuple(at, fc.nat(255)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(changes, fc.option(fc.nat(file.length)), async (edits, length) => {
        const broken = Buffer.from(file);
        for (const [position, byte] of edits) broken[position] = byte;
        await put('model.safetensors', broken.subarray(0, length ?? file.length));
        try {
          expect((await loadCheckpoint(folder)).weights.size).toBe(weights.size);
        } catch (error) {
          if (!(error instanceof LlambertError)) throw error;
          expect(['corrupt_artifact', 'invalid_input']).toContain(error.code);
          expect(error.message).toContain(folder);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the real MiniLM of ../shared', () => {
  // Beside the working copy, not part of it: the weights are 90 MB.
  const minilm = join(import.meta.dirname, '../../../../../shared/models/all-MiniLM-L6-v2');
  it('is read as the safetensors of Python reads it', async (context) => {
    const bytes = await readFile(join(minilm, 'model.safetensors')).catch(() => null);
    if (bytes === null) {
      console.warn('SKIPPED: no weights in ../shared/models/all-MiniLM-L6-v2, so the reading of a real checkpoint is not tested');
      context.skip();
      return;
    }
    const loaded = await loadCheckpoint(minilm);
    expect(loaded.config).toMatchObject({ family: 'bert', vocabularySize: 30522, hiddenSize: 384, layers: 6, heads: 12, positions: 512 });
    expect([...loaded.weights.values()].reduce((sum, values) => sum + values.length, 0)).toBe(22_565_376);
    const hash = createHash('sha256');
    for (const values of loaded.weights.values()) hash.update(values);
    // Of the same tensors in the same order as Python's safetensors 0.8.0 reads them.
    expect(hash.digest('hex')).toBe('2dede00453eceea79eada424e78bfb0781b6782325a848152ada78b1b3aa4aef');
  });
});
