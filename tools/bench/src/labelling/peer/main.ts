import { serve } from '../program.ts';
import { loadTransformersJs } from './transformers-js.ts';

// peer/main.ts PACKAGES MODEL DTYPE TOKENS: labels with transformers.js.

const [packages, folder, dtype, tokens] = process.argv.slice(2) as [string, string, string, string];
const { AutoModelForSequenceClassification, AutoTokenizer, env } = loadTransformersJs(packages);
env.allowRemoteModels = false;
const tokenizer = await AutoTokenizer.from_pretrained(folder);
const model = await AutoModelForSequenceClassification.from_pretrained(folder, {
  dtype,
  device: 'cpu',
  session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 },
});
const separator = BigInt(tokenizer.sep_token_id);

serve(async (texts) => {
  const logOdds: number[] = [];
  // One at a time: padded batches of long texts take it three times as long.
  for (const text of texts) {
    const inputs = tokenizer(text, { truncation: true, max_length: Number(tokens) });
    const ids = inputs.input_ids.data;
    // Version 4.3.2 cuts the separator off with the rest of a text that is too long; the reference keeps it as the last token.
    ids[ids.length - 1] = separator;
    const [first, second] = (await model(inputs)).logits.data;
    logOdds.push(first! - second!);
  }
  return logOdds;
});
