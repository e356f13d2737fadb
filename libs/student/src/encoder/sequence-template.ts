/** One piece of what the model reads: special tokens by id, or a text's tokens. `type` is BERT's segment (token type) id. */
type TemplatePart = { readonly ids: readonly number[]; readonly type: number } | { readonly text: 'A' | 'B'; readonly type: number };

/** What stands around the tokens of one text (`single`) and of a text pair (`pair`). */
export interface SequenceTemplate {
  readonly single: readonly TemplatePart[];
  readonly pair: readonly TemplatePart[];
  /** The special tokens that it puts: [name, id]. */
  readonly specials: readonly (readonly [string, number])[];
}

export interface AssembledTokens {
  readonly ids: Int32Array;
  readonly types: Int32Array;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The number of special tokens that a template puts around one text, or around a pair. */
export function specialTokenCount(parts: readonly TemplatePart[]): number {
  return parts.reduce((sum, part) => sum + ('ids' in part ? part.ids.length : 0), 0);
}

export function assemble(parts: readonly TemplatePart[], texts: Readonly<Record<'A' | 'B', Int32Array>>): AssembledTokens {
  const tokensOf = (part: TemplatePart) => ('ids' in part ? part.ids : texts[part.text]);
  const length = parts.reduce((sum, part) => sum + tokensOf(part).length, 0);
  const ids = new Int32Array(length);
  const types = new Int32Array(length);
  let at = 0;
  for (const part of parts) {
    const tokens = tokensOf(part);
    ids.set(tokens, at);
    types.fill(part.type, at, at + tokens.length);
    at += tokens.length;
  }
  return { ids, types };
}

/**
 * The template of a `post_processor` of tokenizer.json; null where it does not put special tokens before and after a text, or
 * is not understood. The kinds: TemplateProcessing, and its older forms BertProcessing and RobertaProcessing (whose
 * pairs have two separators between the texts and type 0 throughout); ByteLevel changes offsets only.
 */
export function sequenceTemplate(processor: unknown): SequenceTemplate | null {
  if (!isObject(processor)) return null;
  const { type } = processor;
  if (type === 'Sequence') {
    const found = Array.isArray(processor['processors'])
      ? processor['processors'].filter((one) => !isObject(one) || one['type'] !== 'ByteLevel')
      : [];
    return found.length === 1 ? sequenceTemplate(found[0]) : null;
  }
  if (type === 'BertProcessing' || type === 'RobertaProcessing') {
    const cls = namedId(processor['cls']);
    const sep = namedId(processor['sep']);
    if (!cls || !sep) return null;
    const second = type === 'BertProcessing' ? 1 : 0;
    const single: TemplatePart[] = [
      { ids: [cls[1]], type: 0 },
      { text: 'A', type: 0 },
      { ids: [sep[1]], type: 0 },
    ];
    const between: TemplatePart[] = type === 'BertProcessing' ? [] : [{ ids: [sep[1]], type: 0 }];
    const pair: TemplatePart[] = [...single, ...between, { text: 'B', type: second }, { ids: [sep[1]], type: second }];
    return { single, pair, specials: [cls, sep] };
  }
  return type === 'TemplateProcessing' ? writtenTemplate(processor) : null;
}

function writtenTemplate(processor: Record<string, unknown>): SequenceTemplate | null {
  const specials = new Map<string, number>();
  const partsOf = (value: unknown, texts: string): TemplatePart[] | null => {
    if (!Array.isArray(value)) return null;
    const parts = value.map((piece) => templatePart(piece, processor['special_tokens'], specials));
    if (!parts.every((part) => part !== null)) return null;
    const order = parts.map((part) => ('text' in part ? part.text : '')).join('');
    return order === texts && 'ids' in parts[0]! && 'ids' in parts.at(-1)! ? parts : null;
  };
  const single = partsOf(processor['single'], 'A');
  const pair = partsOf(processor['pair'], 'AB');
  return single && pair && { single, pair, specials: [...specials] };
}

function templatePart(piece: unknown, definitions: unknown, specials: Map<string, number>): TemplatePart | null {
  if (!isObject(piece)) return null;
  const { Sequence: sequence, SpecialToken: special } = piece;
  if (isObject(sequence)) {
    const { id, type_id: type } = sequence;
    return (id === 'A' || id === 'B') && isId(type) ? { text: id, type } : null;
  }
  if (!isObject(special) || !isObject(definitions)) return null;
  const { id: name, type_id: type } = special;
  const definition = typeof name === 'string' && Object.hasOwn(definitions, name) ? definitions[name] : null;
  if (!isObject(definition) || !isId(type)) return null;
  const { ids, tokens } = definition;
  if (!Array.isArray(ids) || !Array.isArray(tokens) || ids.length === 0 || ids.length !== tokens.length) return null;
  if (!ids.every(isId) || !tokens.every((token) => typeof token === 'string')) return null;
  for (const [index, token] of tokens.entries()) specials.set(token, ids[index]!);
  return { ids, type };
}

function namedId(value: unknown): [string, number] | null {
  return Array.isArray(value) && typeof value[0] === 'string' && isId(value[1]) ? [value[0], value[1]] : null;
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}
