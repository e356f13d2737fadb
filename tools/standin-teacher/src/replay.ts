import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { Annotator, Judgement, Question } from './annotator.ts';
import { ApiError } from './api-error.ts';
import type { DocumentBlock } from './document-block.ts';

export interface ReplayFiles {
  /** JSON Lines `{id, text, textPair?}`, gzipped or not. Texts that occur twice answer as the first. */
  readonly documents: string;
  /** JSON Lines `{id, label}` or `{id, labels}`; null: the model gave no usable answer. */
  readonly answers: string;
  /** What the model answered when it was asked again in other words, as `answers`; a text that is not in it gets its first answer. */
  readonly secondAnswers?: string;
  /** The field of the answers that holds the label or the labels; by default `label` or `labels`. */
  readonly field?: string;
}

/** What a model answered: one label, several, or nothing usable. */
type Recorded = string | readonly string[] | null;

/**
 * An annotator that repeats what a model really answered for the same text. The recordings hold no probabilities: the ones it gives
 * are made from the text's hash (0.80 to 0.99) and say nothing about right or wrong.
 * @throws Error naming file and line where a line can not be used
 */
export async function replayAnswers(files: ReplayFiles): Promise<Annotator> {
  const byId = await answersById(files.answers, files.field);
  const secondById = files.secondAnswers === undefined ? null : await answersById(files.secondAnswers, files.field);
  const byText = new Map<string, Recorded>();
  const secondByText = new Map<string, Recorded>();
  for (const { fields, where } of await readJsonLines(files.documents)) {
    const id = textField(fields, 'id', where);
    const recorded = byId.get(id);
    const pair = fields.textPair;
    const key = textKey({ text: textField(fields, 'text', where), secondText: typeof pair === 'string' ? pair : null });
    if (recorded === undefined || byText.has(key)) continue;
    byText.set(key, recorded);
    const second = secondById?.get(id);
    if (second !== undefined) secondByText.set(key, second);
  }
  if (byText.size === 0) throw new Error(`no document of ${files.documents} has an answer in ${files.answers}: do their ids agree?`);
  const known = [...new Set([...byText.values(), ...secondByText.values()].flatMap((recorded) => recorded ?? []))].sort();
  return {
    mode: 'replay',
    judge: (document, question, inOtherWords) => {
      const key = textKey(document);
      const second = inOtherWords === true ? secondByText.get(key) : undefined;
      const recorded = second === undefined ? byText.get(key) : second;
      if (recorded === undefined) {
        throw new ApiError(
          400,
          `The stand-in has no recorded answer for this text (${document.text.length} characters, hash ${key}). Is it in the documents file, and sent whole?`,
          {
            param: 'messages',
            code: 'standin_unknown_text',
          },
        );
      }
      return recorded === null ? { kind: 'unusable' } : judgementOf(recorded, question, known, key);
    },
  };
}

async function answersById(file: string, field: string | undefined): Promise<Map<string, Recorded>> {
  const byId = new Map<string, Recorded>();
  for (const { fields, where } of await readJsonLines(file)) byId.set(textField(fields, 'id', where), recordedIn(fields, field, where));
  return byId;
}

function judgementOf(recorded: string | readonly string[], question: Question, known: readonly string[], key: string): Judgement {
  const kind = question.kind ?? (typeof recorded === 'string' ? 'single' : 'multi');
  const labels = typeof recorded === 'string' ? [recorded] : recorded;
  const set = question.labels ?? known;
  const foreign = labels.find((label) => !set.includes(label));
  if (foreign !== undefined || (kind === 'single' && labels.length !== 1)) {
    throw new ApiError(
      400,
      `The recorded answer ${JSON.stringify(recorded)} does not fit the schema, which asks for ${kind === 'single' ? 'one' : 'any'} of ${set.join(', ')}.`,
      {
        param: 'response_format',
        code: 'standin_answer_does_not_fit',
      },
    );
  }
  const confidence = 0.8 + (0.19 * Number.parseInt(key.slice(0, 6), 16)) / 0xffffff;
  const rest = kind === 'single' ? (1 - confidence) / Math.max(1, set.length - 1) : 1 - confidence;
  return { kind, labels, probabilities: new Map(set.map((label) => [label, labels.includes(label) ? confidence : rest])) };
}

/** Names a text whatever its line ends and outer white space. */
function textKey(document: DocumentBlock): string {
  const plain = (text: string) => text.replace(/\r\n?/g, '\n').trim();
  const hash = createHash('sha256').update(plain(document.text));
  if (document.secondText !== null) hash.update('\0').update(plain(document.secondText));
  return hash.digest('hex').slice(0, 24);
}

type Fields = Readonly<Record<string, unknown>>;

async function readJsonLines(path: string): Promise<{ fields: Fields; where: string }[]> {
  const bytes = await readFile(path);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const lines = (gzipped ? gunzipSync(bytes) : bytes).toString('utf8').split('\n');
  return lines.flatMap((line, index) => {
    const where = `${path}, line ${index + 1}`;
    return line.trim() === '' ? [] : [{ fields: parseLine(line, where), where }];
  });
}

function parseLine(text: string, where: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${where}: not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where}: not a JSON object`);
  return value as Fields;
}

function textField(fields: Fields, name: string, where: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Error(`${where}: no text in the field "${name}"`);
  return value;
}

function recordedIn(fields: Fields, field: string | undefined, where: string): Recorded {
  const name = field ?? (fields.labels === undefined ? 'label' : 'labels');
  const value = fields[name];
  if (value === null || typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new Error(`${where}: the field "${name}" is neither a label, a list of labels nor null`);
}
