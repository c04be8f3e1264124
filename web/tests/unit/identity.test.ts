import { describe, expect, it } from 'vitest';
import { identityKey, identityOf, packKeys, unpackKeys } from '../../src/net/identity';

describe('identities', () => {
  it('come back from their keys, also at the ends', () => {
    for (const split of [0, 1]) {
      for (const input of [0, 1, 69_999, 2 ** 31 - 1]) {
        for (const place of [0, 1, 500, 1023]) {
          const key = identityKey(split, input, place, 1023 - place);
          expect(Number.isSafeInteger(key)).toBe(true);
          expect(identityOf(key)).toEqual({ split, input, row: place, column: 1023 - place });
        }
      }
    }
  });

  it('survive the link, in any number', () => {
    for (const size of [0, 1, 2, 93, 1000]) {
      const keys = new Set(
        Array.from({ length: size }, (_, i) => identityKey(i % 2, (i * 7919) % 70_000, i % 24, (3 * i) % 24)),
      );
      expect(unpackKeys(packKeys(keys))).toEqual(keys);
    }
  });

  it('are short in the link', () => {
    const keys = Array.from({ length: 93 }, (_, i) => identityKey(1, 60_000 + i * 31, i % 8, i % 8));
    expect(packKeys(keys).length).toBeLessThan(93 * 8);
  });

  it('are none where the text is broken', () => {
    expect(unpackKeys('%%%').size).toBe(0);
    expect(unpackKeys('_____________________________').size).toBe(0);
  });
});
