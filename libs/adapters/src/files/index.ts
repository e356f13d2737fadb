export type { ColumnType } from './column-types.ts';
export { type InputColumns, type ReadOptions, readDocuments } from './documents.ts';
export { type GoldEntry, readGold } from './gold.ts';
export { parseExactly } from './json-record.ts';
export { type InputLook, lookAtInput } from './look-at-input.ts';
export type { ReadItem } from './to-document.ts';
export { writeTextAtomically } from './whole-file.ts';
export { writeRows } from './write-rows.ts';
