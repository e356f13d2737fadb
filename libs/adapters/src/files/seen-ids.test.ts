import { describe, expect, it } from 'vitest';
import { SeenIds } from './seen-ids.ts';

describe('SeenIds', () => {
  it('knows each of many ids, however often it grew', () => {
    const seen = new SeenIds(4);
    const count = 50_000;
    for (let index = 0; index < count; index++) expect(seen.add(`id ${index}`)).toBe(true);
    for (let index = 0; index < count; index++) expect(seen.add(`id ${index}`)).toBe(false);
    expect(seen.add('id 50000')).toBe(true);
  });
});
