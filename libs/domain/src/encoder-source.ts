import { LlambertError } from './errors.ts';

/** Where an encoder comes from: what a task says under `student.model` behind `frozen:`, or alone. */
export type EncoderSource =
  | { readonly kind: 'folder'; readonly path: string }
  /** A model of the Hugging Face hub, at a branch, a tag or a commit. */
  | { readonly kind: 'hub'; readonly owner: string; readonly name: string; readonly revision: string }
  /** Fresh weights, and a vocabulary built from the corpus. */
  | { readonly kind: 'scratch'; readonly size: 'small' };

const forms = 'Write a folder with a Hugging Face checkpoint, hf:<owner>/<name>, hf:<owner>/<name>@<revision>, or scratch:small';

/** Reads `folder`, `hf:<owner>/<name>[@revision]` or `scratch:small`. Throws `invalid_input` that says what is accepted. */
export function parseEncoderSource(text: string): EncoderSource {
  const refuse = (problem: string): never => {
    throw new LlambertError('invalid_input', `${JSON.stringify(text.slice(0, 200))} names no encoder: ${problem}. ${forms}`);
  };
  if (text.trim() === '') return refuse('it is empty');
  if (text.includes('\0')) return refuse('it holds a NUL character');
  if (text.startsWith('hf:')) return parseHubName(text.slice('hf:'.length), refuse);
  if (text.startsWith('scratch:')) {
    return text === 'scratch:small' ? { kind: 'scratch', size: 'small' } : refuse('the only size from scratch is small');
  }
  const address = /^https?:\/\/[^/]+\/([\w.-]+\/[\w.-]+)/.exec(text);
  if (address !== null) return refuse(`an address is not accepted; for a model of the hub write hf:${address[1]}`);
  return { kind: 'folder', path: text };
}

function parseHubName(text: string, refuse: (problem: string) => never): EncoderSource {
  const at = text.indexOf('@');
  const repository = at < 0 ? text : text.slice(0, at);
  const revision = at < 0 ? 'main' : text.slice(at + 1);
  const parts = repository.split('/');
  if (parts.length === 1 && isHubWord(repository))
    return refuse('the owner is missing (bert-base-uncased is google-bert/bert-base-uncased today)');
  if (parts.length !== 2 || !parts.every(isHubWord)) return refuse('behind hf: stands no <owner>/<name>');
  // It becomes a part of an address and of a path in the cache.
  const plain = revision.split('/').every((word) => /^[\w.+-]+$/.test(word) && !word.startsWith('.') && !word.includes('..'));
  if (!plain || revision.length > 200) return refuse('behind @ stands no branch, tag or commit');
  return { kind: 'hub', owner: parts[0]!, name: parts[1]!, revision };
}

/** The hub's own rule for owners and names (`validate_repo_id` of huggingface_hub). */
function isHubWord(word: string): boolean {
  return /^[A-Za-z0-9_][\w.-]{0,95}$/.test(word) && !/--|\.\.|[-.]$|\.git$/.test(word);
}
