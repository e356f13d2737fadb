import { describe, expect, it } from 'vitest';
import { scratchConfig } from '../encoder/scratch.ts';
import { expectMemory, fineTuningBytes } from './memory.ts';

const minilm = { ...scratchConfig(30_522), hiddenSize: 384, layers: 6, heads: 12, intermediateSize: 1536, positions: 512 };
const base = { ...minilm, hiddenSize: 768, layers: 12, intermediateSize: 3072 };

describe('the memory of a training', () => {
  it.each([
    ['MiniLM, 32 tokens', minilm, 32, 986],
    ['MiniLM, 128 tokens', minilm, 128, 1100],
    ['MiniLM, 512 tokens', minilm, 512, 1800],
    ['BERT-base, 128 tokens', base, 128, 4203],
  ])('is near what was measured: %s', (_, config, longest, measuredMegabytes) => {
    const megabytes = fineTuningBytes(config, 29_000, 2048, longest) / 1e6;
    expect(Math.abs(megabytes / measuredMegabytes - 1)).toBeLessThan(1 / 6);
  });

  it('is refused where there is less, with what would fit', () => {
    expect(() => expectMemory(2e9, 3e9)).not.toThrow();
    expect(() => expectMemory(4.24e9, 2e9)).toThrow('takes about 4.2 GB of memory, and 2.0 GB are free. Free some, choose a smaller');
  });
});
