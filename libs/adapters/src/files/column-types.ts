import type { JsonText, SourceRecord } from './record.ts';

/**
 * What all values of a column are that are not null: `integer` within a double's exact range, `long` beyond it, `number`, `boolean`, or
 * other `json` (nested values, or several of these). Documents carry values as text; by its type a column can be given back as it came.
 */
export type ColumnType = 'integer' | 'long' | 'number' | 'boolean' | 'json';

/** Types of an input's columns, gathered while it is read. A column that has a string in it has no type: which of its values were strings is not known. */
export interface ColumnTypes {
  see(records: readonly SourceRecord[]): void;
  names(): string[];
  types(): (readonly [name: string, type: ColumnType])[];
  /** Columns that every record has and that are null in some. */
  nullable(): string[];
}

interface Column {
  type: ColumnType | 'text' | null;
  records: number;
  nulls: number;
}

/** @param most columns that are remembered: records whose keys are data have no end of them */
export function columnTypes(most: number): ColumnTypes {
  const columns = new Map<string, Column>();
  let records = 0;
  const columnOf = (name: string): Column | undefined => {
    const known = columns.get(name);
    if (known !== undefined || columns.size >= most) return known;
    const column: Column = { type: null, records: 0, nulls: 0 };
    columns.set(name, column);
    return column;
  };
  return {
    see(batch) {
      for (const record of batch) {
        if (record.kind === 'broken') continue;
        records += 1;
        for (const [index, name] of record.names.entries()) {
          const column = columnOf(name);
          if (column === undefined) continue;
          const value = record.values[index]!;
          column.records += 1;
          if (value === null) column.nulls += 1;
          else if (typeof value === 'string') column.type = 'text';
          else if (column.type !== 'text') column.type = together(column.type, typeOf(value));
        }
      }
    },
    names: () => [...columns.keys()],
    types: () => [...columns].flatMap(([name, { type }]) => (type === null || type === 'text' ? [] : [[name, type] as const])),
    nullable: () => [...columns].flatMap(([name, column]) => (column.nulls > 0 && column.records === records ? [name] : [])),
  };
}

function typeOf({ json }: JsonText): ColumnType {
  if (json === 'true' || json === 'false') return 'boolean';
  // Doubles of Parquet may be no number at all.
  if (/^-?(?:Infinity|NaN)$/.test(json)) return 'number';
  if (!/^-?\d/.test(json)) return 'json';
  if (/^-?\d{1,18}$/.test(json)) return Number.isSafeInteger(Number(json)) ? 'integer' : 'long';
  // More digits or a larger exponent than a double holds.
  return /^-?\d+$/.test(json) || !Number.isFinite(Number(json)) ? 'json' : 'number';
}

function together(left: ColumnType | null, right: ColumnType): ColumnType {
  if (left === null || left === right) return right;
  const both = new Set([left, right]);
  if (both.has('integer') && both.has('long')) return 'long';
  return both.has('integer') && both.has('number') ? 'number' : 'json';
}
