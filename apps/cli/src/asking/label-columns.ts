import type { InputLook } from '@llambert/adapters/files';

const mostLabels = 20;
const longestLabel = 60;

/** Columns whose values could be labels, likeliest first: few values that come again and again. */
export function labelColumns({
  documents,
  fields,
}: Pick<InputLook, 'documents' | 'fields'>): { readonly column: string; readonly values: readonly string[] }[] {
  const valuesOf = new Map<string, Map<string, number>>();
  for (const { metadata } of documents) {
    for (const [column, value] of Object.entries(metadata)) {
      const seen = valuesOf.get(column) ?? new Map<string, number>();
      valuesOf.set(column, seen);
      const label = value.trim();
      if (label !== '') seen.set(label, (seen.get(label) ?? 0) + 1);
    }
  }
  return [...valuesOf]
    .filter(([, seen]) => isLabelSet(seen))
    .map(([column, seen]) => ({ column, values: [...seen.keys()].sort((left, right) => (left < right ? -1 : 1)) }))
    .sort((left, right) => Number(right.column === fields.label) - Number(left.column === fields.label));
}

function isLabelSet(seen: ReadonlyMap<string, number>): boolean {
  const values = [...seen.keys()];
  const documents = [...seen.values()].reduce((sum, times) => sum + times, 0);
  if (values.length < 2 || values.length > mostLabels || values.length * 2 > documents) return false;
  return values.every((value) => value.length <= longestLabel && !/^[[{]|[\p{Cc},]/u.test(value));
}
