import fc from 'fast-check';
import { expect, it } from 'vitest';
import { partitionOf } from './partition-hash.ts';
import { type Holding, planShare } from './share.ts';

it('ends, from whatever they hold, with every partition held and no member with two more than another', () => {
  const start = fc.record({
    partitions: fc.integer({ min: 1, max: 12 }),
    members: fc.integer({ min: 1, max: 5 }),
    owners: fc.array(fc.nat(5), { minLength: 12, maxLength: 12 }),
  });
  fc.assert(
    fc.property(start, ({ partitions, members: count, owners }) => {
      const members = Array.from({ length: count }, (_, index) => `member-${index}`);
      const owner = Array.from({ length: partitions }, (_, id) => members[owners[id]!] ?? null);
      for (let round = 0; round < 2; round++) {
        for (const self of members) {
          const holdings: Holding[] = owner.map((name, id) => ({ partition: { id, topic: 't', number: id }, owner: name }));
          const { claimed, surplus } = planShare(holdings, members, self, new Set());
          for (const { id } of claimed) expect(owner[id]).toBeNull();
          for (const { id } of claimed) owner[id] = self;
          for (const { id } of surplus) owner[id] = null;
        }
      }
      const held = members.map((name) => owner.filter((other) => other === name).length);
      expect(owner).not.toContain(null);
      expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
    }),
  );
});

it('claims no partition that its member still works on', () => {
  const holdings: Holding[] = [0, 1].map((id) => ({ partition: { id, topic: 't', number: id }, owner: null }));
  expect(planShare(holdings, ['self'], 'self', new Set([1])).claimed.map(({ id }) => id)).toEqual([0]);
});

it('hashes keys by FNV-1a over UTF-8, the same for ever', () => {
  // Of the reference: http://www.isthe.com/chongo/src/fnv/test_fnv.c
  expect([partitionOf('', 2 ** 32), partitionOf('a', 2 ** 32), partitionOf('foobar', 2 ** 32)]).toEqual([
    0x811c9dc5, 0xe40c292c, 0xbf9cf968,
  ]);
  expect(partitionOf('漢', 2 ** 32)).toBe(partitionOfBytes(Buffer.from('漢')));
});

function partitionOfBytes(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}
