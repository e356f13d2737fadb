import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type YAMLError } from 'yaml';

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** Something wrong in a task.yaml: where, by path, and what, as the rest of a sentence that begins with the path. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Where no path leads there: a fault of the YAML itself. */
  readonly position?: Position;
}

/** A YAML text as a value whose every part knows its place. */
export interface YamlText {
  /** Plain data; labels are texts as they were spelled. */
  readonly value: unknown;
  /** The entries of `labels`, in their order; null where it is neither a list nor a map of texts. */
  readonly labels: readonly { readonly name: string; readonly description: string }[] | null;
  readonly problems: readonly Problem[];
  positionOf(path: readonly PropertyKey[]): Position;
}

/** Reads YAML 1.2 with text keys and without aliases: a configuration needs none, and a few of them unfold to gigabytes. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    stringKeys: true,
    resolveKnownTags: false,
    // Pretty messages quote the source, which may hold a secret.
    prettyErrors: false,
    lineCounter: lines,
  });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems: Problem[] = faultsOf(document).map((error) => ({ path: [], message: faultMessage(error), position: at(error.pos[0]) }));
  visit(document, {
    Alias(_, alias) {
      problems.push({ path: [], message: 'aliases (*name) are not supported: write the value out', position: at(alias.range?.[0] ?? 0) });
    },
  });
  const isReadable = problems.length === 0;
  if (isReadable) spellLabelsOut(document);
  return {
    value: isReadable ? document.toJS() : undefined,
    labels: isReadable ? labelEntries(document) : null,
    problems,
    positionOf: (path) => at(offsetOf(document, path)),
  };
}

/** One fault often breaks several rules at one place; the first names it best. */
function faultsOf(document: Document.Parsed): YAMLError[] {
  const all = [...document.errors, ...document.warnings];
  const tooDeep = all.find(isTooDeep);
  return tooDeep === undefined ? [...new Map(all.reverse().map((error) => [error.pos[0], error])).values()] : [tooDeep];
}

/** The package recurses: brackets nested by the thousand exhaust its stack. */
function isTooDeep(error: YAMLError): boolean {
  return /call stack/.test(error.message);
}

function faultMessage(error: YAMLError): string {
  if (error.code === 'DUPLICATE_KEY') return 'this key stands here a second time';
  return `not valid YAML: ${isTooDeep(error) ? 'nested too deeply' : error.message}`;
}

/** Offset of what stands at a path (of its key, in a map), or of the last part of the path that is there. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) break;
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      if (item === undefined) break;
      offset = (item as { range?: [number, number, number] | null } | null)?.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

/** Makes `labels: [1, 2, true]` and `label: 1` the texts they are spelled as: stars and grades are labels too. */
function spellLabelsOut(document: Document.Parsed): void {
  const spellOut = (node: unknown) => {
    if (isSeq(node)) node.items.forEach(spellOut);
    if (isScalar(node) && (typeof node.value === 'number' || typeof node.value === 'boolean'))
      node.value = node.source ?? String(node.value);
  };
  const labels = document.get('labels', true);
  if (isSeq(labels)) spellOut(labels);
  const examples = document.get('examples', true);
  if (!isSeq(examples)) return;
  for (const example of examples.items) {
    if (!isMap(example)) continue;
    spellOut(example.get('label', true));
    spellOut(example.get('labels', true));
  }
}

function labelEntries(document: Document.Parsed): YamlText['labels'] {
  const labels = document.get('labels', true);
  const textOf = (node: unknown): string => (isScalar(node) && typeof node.value === 'string' ? node.value : '');
  if (isSeq(labels)) return labels.items.map((item) => ({ name: textOf(item), description: '' }));
  return isMap(labels) ? labels.items.map((pair) => ({ name: textOf(pair.key), description: textOf(pair.value) })) : null;
}
