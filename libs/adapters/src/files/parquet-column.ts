import { type AsyncBuffer, type ColumnMetaData, type DecodedArray, type FileMetaData, parquetReadObjects, parquetSchema } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getTreePath, isFlatColumn } from 'hyparquet/src/schema.js';
import { compressors } from 'hyparquet-compressors';

/** The values of a column in one row group, from the first to the last. */
export interface ColumnReader {
  /** The next `count` values. */
  take(count: number): Promise<unknown[]>;
}

/** A row group of a file. */
export interface RowGroupPlace {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly group: number;
  /** Its first row in the file. */
  readonly rowStart: number;
  readonly rows: number;
}

/**
 * Reads a column page by page where its values are not nested: writers make row groups of a million rows, which would not fit in memory.
 * Values in lists and structs do not say in which row they are before they are decoded, so those columns are read in one.
 */
export function openColumn(place: RowGroupPlace, name: string): ColumnReader {
  const chunks = place.metadata.row_groups[place.group]!.columns.flatMap(({ meta_data }) =>
    meta_data !== undefined && meta_data.path_in_schema[0] === name ? [meta_data] : [],
  );
  const [chunk] = chunks;
  if (chunk === undefined) throw new Error(`the row group lacks the column ${name}`);
  const schemaPath = getTreePath(parquetSchema(place.metadata), chunk.path_in_schema);
  if (!isFlatColumn(schemaPath)) return nestedColumn(place, name);
  return new FlatColumn(place, chunk, schemaPath);
}

function nestedColumn({ file, metadata, rowStart, rows }: RowGroupPlace, name: string): ColumnReader {
  let values: unknown[] | null = null;
  let at = 0;
  return {
    take: async (count) => {
      values ??= (await parquetReadObjects({ file, metadata, columns: [name], rowStart, rowEnd: rowStart + rows, compressors })).map(
        (row) => row[name],
      );
      at += count;
      return values.slice(at - count, at);
    },
  };
}

/** How far a page's header reaches, at first; statistics in it may make it longer. */
const headerBytes = 16 * 1024;
/** Largest page that is taken for one, in bytes. */
const maxPageBytes = 1024 ** 3;

type PageHeader = ReturnType<typeof parquetHeader>;

class FlatColumn implements ColumnReader {
  readonly #file: AsyncBuffer;
  readonly #decoder: Parameters<typeof readPage>[2];
  readonly #end: number;
  #offset: number;
  /** Rows that no page has given yet. */
  #rowsLeft: number;
  #dictionary: DecodedArray | undefined;
  #page: DecodedArray = [];
  #at = 0;

  constructor({ file, rows }: RowGroupPlace, chunk: ColumnMetaData, schemaPath: ReturnType<typeof getTreePath>) {
    this.#file = file;
    this.#rowsLeft = rows;
    this.#decoder = {
      ...chunk,
      pathInSchema: chunk.path_in_schema,
      schemaPath,
      element: schemaPath.at(-1)!.element,
      parsers: DEFAULT_PARSERS,
      compressors,
    };
    const dictionary = chunk.dictionary_page_offset;
    // Some writers leave 0 where there is no dictionary.
    this.#offset = Number(dictionary && dictionary < chunk.data_page_offset ? dictionary : chunk.data_page_offset);
    this.#end = this.#offset + Number(chunk.total_compressed_size);
  }

  async take(count: number): Promise<unknown[]> {
    const values: unknown[] = [];
    while (values.length < count) {
      while (this.#at >= this.#page.length) await this.#nextPage();
      const until = Math.min(this.#page.length, this.#at + count - values.length);
      for (; this.#at < until; this.#at++) values.push(this.#page[this.#at]);
    }
    return values;
  }

  async #nextPage(): Promise<void> {
    const { header, length } = await this.#readHeader();
    const { compressed_page_size: stored, uncompressed_page_size: size, type } = header;
    const from = this.#offset + length;
    if (!(stored >= 0 && size >= 0 && size <= maxPageBytes && from + stored <= this.#end)) throw new Error('a page has an impossible size');
    // The decoder believes the counts, and would run for minutes on what a corrupt file says.
    if (!this.#isPossible(header, size)) throw new Error('a page has an impossible number of values');
    const bytes = await this.#file.slice(from, from + stored);
    if (bytes.byteLength < stored) throw new Error('the file ends within a page');
    this.#offset = from + stored;
    this.#page = [];
    this.#at = 0;
    const { data = [] } = readPage({ view: new DataView(bytes), offset: 0 }, header, this.#decoder, this.#dictionary, undefined, 0);
    if (type === 'DICTIONARY_PAGE') this.#dictionary = convert(data, this.#decoder);
    else {
      this.#page = data;
      this.#rowsLeft -= data.length;
    }
  }

  #isPossible(
    { type, data_page_header: first, data_page_header_v2: second, dictionary_page_header: dictionary }: PageHeader,
    size: number,
  ): boolean {
    if (type === 'DATA_PAGE') return first !== undefined && isCount(first.num_values, this.#rowsLeft);
    if (type === 'DATA_PAGE_V2') {
      if (second === undefined || !isCount(second.num_values, this.#rowsLeft) || second.num_rows !== second.num_values) return false;
      const { num_nulls, definition_levels_byte_length: definitions, repetition_levels_byte_length: repetitions } = second;
      return isCount(num_nulls, second.num_values) && isCount(definitions, size) && repetitions === 0;
    }
    return type === 'DICTIONARY_PAGE' && dictionary !== undefined && isCount(dictionary.num_values, size);
  }

  async #readHeader(): Promise<{ header: PageHeader; length: number }> {
    for (let wanted = headerBytes; ; wanted *= 16) {
      const bytes = await this.#file.slice(this.#offset, Math.min(this.#end, this.#offset + wanted));
      if (bytes.byteLength === 0) throw new Error('a column has fewer values than its row group has rows');
      const reader = { view: new DataView(bytes), offset: 0 };
      try {
        return { header: parquetHeader(reader), length: reader.offset };
      } catch (error) {
        if (this.#offset + wanted >= this.#end) throw error;
      }
    }
  }
}

function isCount(value: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= most;
}
