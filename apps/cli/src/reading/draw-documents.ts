import { type ReadOptions, readDocuments } from '@llambert/adapters/files';
import { type Document, hashFraction, LlambertError } from '@llambert/domain';
import { megabytesTo, type Reporter } from '../terminal/reporter.ts';

export interface DrawRequest {
  readonly inputs: readonly string[];
  readonly reading: Omit<ReadOptions, 'onNotice' | 'onProgress'>;
  /** Most documents to draw. */
  readonly count: number;
  /** Most UTF-16 units of text to hold: of longer documents fewer are drawn. */
  readonly maxCharacters: number;
  /** Names the draw: an equal key draws equal documents, another one independent ones. */
  readonly key: string;
}

export interface DrawnDocuments {
  /** By rank: any first part of them is a uniform draw as well. */
  readonly documents: readonly Document[];
  /** Documents in the input. */
  readonly total: number;
  /** Records of the input that are no documents. */
  readonly refused: number;
}

/** Reads an input to its end and keeps a uniform draw of its documents. Throws `invalid_input` where there is none. */
export async function drawDocuments(request: DrawRequest, reporter: Reporter, signal: AbortSignal): Promise<DrawnDocuments> {
  const draw = new UniformDraw(request);
  let total = 0;
  let refused = 0;
  let firstRefusal = '';
  reporter.step('reading');
  const reading = readDocuments(request.inputs, {
    ...request.reading,
    onNotice: reporter.notice,
    onProgress: megabytesTo(reporter),
  });
  for await (const items of reading) {
    if (signal.aborted) throw new LlambertError('cancelled', 'reading was stopped');
    for (const item of items) {
      if (item.kind === 'document') {
        total += 1;
        draw.add(item.document);
      } else {
        refused += 1;
        if (refused === 1) firstRefusal = `${item.position.file}:${item.position.line} ${item.message}`;
      }
    }
  }
  reporter.end();
  if (total === 0) {
    throw new LlambertError(
      'invalid_input',
      `${request.inputs.join(', ')} holds no document${refused === 0 ? '' : `: ${refused} records cannot be used (${firstRefusal})`}`,
    );
  }
  if (refused > 0) reporter.notice(`${refused} records are no documents and are left out (the first: ${firstRefusal})`);
  return { documents: draw.documents(), total, refused };
}

/** A bottom-k sample by a keyed hash of the document id: uniform, and the same in whatever order the documents come. */
export class UniformDraw {
  readonly #key: string;
  readonly #count: number;
  readonly #maxCharacters: number;
  #kept: { readonly rank: number; readonly document: Document }[] = [];
  #characters = 0;
  #ceiling = Number.POSITIVE_INFINITY;

  constructor(options: Pick<DrawRequest, 'key' | 'count' | 'maxCharacters'>) {
    this.#key = options.key;
    this.#count = options.count;
    this.#maxCharacters = options.maxCharacters;
  }

  add(document: Document): void {
    const rank = hashFraction(this.#key, document.id);
    if (rank >= this.#ceiling) return;
    this.#kept.push({ rank, document });
    this.#characters += charactersOf(document);
    if (this.#kept.length >= 2 * this.#count || this.#characters > 2 * this.#maxCharacters) this.#shrink();
  }

  documents(): readonly Document[] {
    this.#shrink();
    return this.#kept.map(({ document }) => document);
  }

  #shrink(): void {
    this.#kept.sort((left, right) => left.rank - right.rank);
    let characters = 0;
    let length = 0;
    while (length < Math.min(this.#kept.length, this.#count)) {
      const next = characters + charactersOf(this.#kept[length]!.document);
      // At least one, however long.
      if (length > 0 && next > this.#maxCharacters) break;
      characters = next;
      length += 1;
    }
    // What was once too much stays out: otherwise the order of the documents would decide.
    if (length < this.#kept.length) this.#ceiling = this.#kept[length]!.rank;
    this.#kept.length = length;
    this.#characters = characters;
  }
}

function charactersOf(document: Document): number {
  return document.text.length + (document.textPair?.length ?? 0);
}
