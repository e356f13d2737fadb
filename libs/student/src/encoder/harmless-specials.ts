import { randomUUID } from 'node:crypto';

type JsonObject = Record<string, unknown>;

/**
 * A tokenizer.json in which special tokens keep their ids but have names that no text contains, so that a text's "[SEP]" is text.
 *
 * The reference has a switch for this (`encode_special_tokens`), but the Node binding lacks it, and it does not reach Unigram models,
 * where special tokens are pieces like others: "<s>", or "＜ｓ＞" before NFKC, would come out as the real one. SentencePiece itself
 * does not match its control symbols in texts either. The names are drawn at random so that no author of documents can know them.
 *
 * @param file a tokenizer.json whose vocabulary has been checked
 * @param specials names of special tokens; those that it does not have are passed over
 */
export function withoutSpecialNames(file: JsonObject, specials: ReadonlySet<string>): JsonObject {
  const secret = randomUUID();
  const secretNames = new Map([...specials].map((name, index) => [name, `${secret}-${index}`]));
  const renamed = (name: string) => secretNames.get(name) ?? name;
  const model = { ...(file['model'] as JsonObject) };

  model['vocab'] = Array.isArray(model['vocab'])
    ? model['vocab'].map(([name, ...score]) => [renamed(name), ...score])
    : Object.fromEntries(Object.entries(model['vocab'] as JsonObject).map(([name, id]) => [renamed(name), id]));
  if (typeof model['unk_token'] === 'string') model['unk_token'] = renamed(model['unk_token']);
  if (Array.isArray(model['merges'])) {
    const prefix = String(model['continuing_subword_prefix'] ?? '');
    model['merges'] = model['merges'].filter((merge) => !isMergeOfSpecial(merge, prefix, specials));
  }
  // Random skips of merges are for training subword models; they would make ids differ from call to call.
  if (model['dropout'] !== undefined) model['dropout'] = null;

  const added = (file['added_tokens'] ?? []) as JsonObject[];
  return { ...file, model, added_tokens: added.map((token) => ({ ...token, content: renamed(token['content'] as string) })) };
}

/** A merge of a byte-pair model is `"left right"` or `["left", "right"]`; nothing where it is neither. */
export function mergeParts(merge: unknown): [left: string, right: string] | [] {
  const [left, right] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
  return typeof left === 'string' && typeof right === 'string' ? [left, right] : [];
}

/** A merge that makes or takes a special token would let text become one. */
function isMergeOfSpecial(merge: unknown, prefix: string, specials: ReadonlySet<string>): boolean {
  const [left, right] = mergeParts(merge);
  if (left === undefined || right === undefined) return false;
  const joined = left + (right.startsWith(prefix) ? right.slice(prefix.length) : right);
  return specials.has(left) || specials.has(right) || specials.has(joined);
}
