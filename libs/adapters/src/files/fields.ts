import { LlambertError } from '@llambert/domain';

/** Which columns are the document's own, as far as they were said. */
export interface FieldNames {
  readonly id?: string;
  readonly text?: string;
  readonly textPair?: string;
}

/** Which columns are the document's own. Without an id column, ids are made of the file's name and the line. */
export interface Fields {
  readonly id: string | null;
  readonly text: string;
  readonly textPair: string | null;
}

const textNames = [
  'text',
  'review',
  'content',
  'body',
  'message',
  'sentence',
  'comment',
  'document',
  'tweet',
  'post',
  'question',
  'query',
  'utterance',
  'abstract',
  '本文',
  '内容',
  'テキスト',
  '文章',
];

const labelNames = ['label', 'labels', 'class', 'category', 'intent', 'sentiment', 'topic', 'target', 'gold', 'rating', 'ラベル', '分類'];

/** Whether a column is called as columns of labels are. */
export function isNamedLikeLabel(name: string): boolean {
  return labelNames.includes(name.trim().toLowerCase());
}

/**
 * The fields of an input whose first records have these columns: those asked for, else an `id` column, and the one column whose name
 * says that it holds texts.
 * @throws LlambertError invalid_input where a column is not there, or the text could be in several
 */
export function chooseFields(names: readonly string[], wanted: FieldNames, file: string, onNotice: (notice: string) => void): Fields {
  requireWanted(names, wanted, file);
  const id = wanted.id ?? guessId(names);
  const textPair = wanted.textPair ?? null;
  const text = wanted.text ?? guessText(names.filter((name) => name !== id && name !== textPair));
  if (text === null) {
    throw new LlambertError(
      'invalid_input',
      `${file}: which column holds the text cannot be told; name it with --text-field. The columns are ${listed(names)}`,
      { facts: { file } },
    );
  }
  const fields = { id, text, textPair };
  const columns = [id, text, textPair].filter((column) => column !== null);
  if (new Set(columns).size < columns.length) {
    throw new LlambertError('invalid_input', `${file}: one column cannot be two of id, text and second text: ${listed(columns)}`, {
      facts: { file },
    });
  }
  if (wanted.text === undefined && names.length > 1) onNotice(`the texts are taken from the column "${text}"; --text-field names another`);
  if (id === null && names.length > 1) onNotice('there is no column "id": ids are made of file name and line; --id-field names a column');
  return fields;
}

/** Throws `invalid_input` where a column that was asked for is not there. */
export function requireWanted(names: readonly string[], { id, text, textPair }: FieldNames, file: string): void {
  for (const name of [id, text, textPair]) if (name !== undefined) requireColumn(names, name, file);
}

/** Throws `invalid_input` where a further file lacks the columns that the first one had. */
export function requireFields(names: readonly string[], { id, text, textPair }: Fields, file: string): void {
  for (const name of [id, text, textPair]) if (name !== null) requireColumn(names, name, file);
}

function requireColumn(names: readonly string[], name: string, file: string): void {
  if (names.includes(name)) return;
  throw new LlambertError('invalid_input', `${file}: there is no column "${name}". The columns are ${listed(names)}`, {
    facts: { file, field: name },
  });
}

/** The column called `id`, in whatever case. */
export function guessId(names: readonly string[]): string | null {
  return names.find((name) => name === 'id') ?? names.find((name) => name.toLowerCase() === 'id') ?? null;
}

/** The column whose name says that it holds texts, or the only one not called like labels; null where several or none could be meant. */
export function guessText(names: readonly string[]): string | null {
  const lowerCase = names.map((name) => name.trim().toLowerCase());
  const exact = lowerCase.indexOf('text');
  if (exact >= 0) return names[exact]!;
  const known = names.filter((_, index) => textNames.includes(lowerCase[index]!));
  const candidates = known.length > 0 ? known : names.filter((name) => !isNamedLikeLabel(name));
  return candidates.length === 1 ? candidates[0]! : null;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 30).map((name) => `"${name}"`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}
