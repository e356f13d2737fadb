import { type BasicType, ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { cellText, type Row } from './row.ts';

/** Most rows of a row group, and most characters. */
const groupRows = 5_000;
const groupCharacters = 4 * 1024 * 1024;

/**
 * Rows as a Parquet file (Snappy), a row group at a time. The first row group decides the types: a column of numbers is DOUBLE, of bigints
 * INT64, of booleans BOOLEAN, any other is text, nested values as JSON.
 * @throws RangeError where a later row has another type than its column
 */
export async function* parquetChunks(rows: AsyncIterable<Row>, columns: readonly string[] | null): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  let file: { writer: ParquetWriter; types: readonly ColumnType[] } | null = null;
  for await (const group of rowGroups(rows)) {
    file ??= begin(bytes, group, columns);
    file.writer.write({
      columnData: file.types.map((type) => columnOf(group, type)),
      rowGroupSize: group.length,
      dictionarySize: 1024 * 1024,
    });
    yield take(bytes);
  }
  file ??= begin(bytes, [], columns);
  file.writer.finish();
  yield take(bytes);
}

interface ColumnType {
  readonly name: string;
  readonly type: BasicType;
}

async function* rowGroups(rows: AsyncIterable<Row>): AsyncGenerator<Row[]> {
  let group: Row[] = [];
  let size = 0;
  for await (const row of rows) {
    group.push(row);
    for (const value of Object.values(row)) if (typeof value === 'string') size += value.length;
    if (group.length < groupRows && size < groupCharacters) continue;
    yield group;
    group = [];
    size = 0;
  }
  if (group.length > 0) yield group;
}

function begin(
  bytes: ByteWriter,
  group: readonly Row[],
  columns: readonly string[] | null,
): { writer: ParquetWriter; types: ColumnType[] } {
  const names = columns ?? [...new Set(group.flatMap((row) => Object.keys(row)))];
  const types = names.map((name) => ({ name, type: typeOf(group, name) }));
  const schema = schemaFromColumnData({ columnData: types.map((type) => ({ ...type, data: [] })) });
  return { writer: new ParquetWriter({ writer: bytes, schema, statistics: false, createdBy: 'llambert' }), types };
}

const types: Readonly<Record<string, BasicType>> = { number: 'DOUBLE', bigint: 'INT64', boolean: 'BOOLEAN' };

function typeOf(group: readonly Row[], name: string): BasicType {
  const kinds = new Set(group.map((row) => row[name] ?? null).flatMap((value) => (value === null ? [] : [typeof value])));
  const [kind] = kinds;
  if (kinds.size !== 1) return 'STRING';
  return types[kind!] ?? 'STRING';
}

function columnOf(group: readonly Row[], { name, type }: ColumnType): ColumnSource {
  const data = group.map((row) => {
    const value = row[name] ?? null;
    if (value === null) return null;
    if (type === 'STRING') return cellText(value);
    if (types[typeof value] !== type) throw new RangeError(`column ${name} holds ${type}, not a ${typeof value}`);
    return value;
  });
  return { name, data };
}

/** What was written since the last time. */
function take(bytes: ByteWriter): Uint8Array {
  const taken = Buffer.from(bytes.getBytes());
  bytes.index = 0;
  return taken;
}
