import { createRequire } from 'node:module';
import { join } from 'node:path';

// transformers.js (https://www.npmjs.com/package/@huggingface/transformers) from a folder of its own: no part of this repository needs it.

const packageName = '@huggingface/transformers';

/** What the bench uses of the package. */
export interface TransformersJs {
  readonly env: { allowRemoteModels: boolean };
  readonly AutoTokenizer: { from_pretrained(folder: string): Promise<PeerTokenizer> };
  readonly AutoModelForSequenceClassification: { from_pretrained(folder: string, options: object): Promise<PeerModel> };
}

interface PeerTokenizer {
  (text: string, options: { readonly truncation: true; readonly max_length: number }): PeerInputs;
  readonly sep_token_id: number;
}

interface PeerInputs {
  readonly input_ids: { readonly data: BigInt64Array };
}

type PeerModel = (inputs: PeerInputs) => Promise<{ readonly logits: { readonly data: Float32Array } }>;

/** The package's version in the folder where npm installed it; null: it is not there. */
export function transformersJsVersion(folder: string): string | null {
  try {
    return requireIn(folder)(join(folder, 'node_modules', packageName, 'package.json')).version;
  } catch {
    return null;
  }
}

export function loadTransformersJs(folder: string): TransformersJs {
  return requireIn(folder)(packageName);
}

function requireIn(folder: string): NodeJS.Require {
  return createRequire(join(folder, 'package.json'));
}
