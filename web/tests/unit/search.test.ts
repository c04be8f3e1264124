import { expect, test } from 'vitest';
import { hasWords } from '../../src/lib/search';

test('every word of a search must be there, in any case and order', () => {
  expect(hasWords('Loss/train run_1', 'train LOSS')).toBe(true);
  expect(hasWords('Loss/train run_1', 'train accuracy')).toBe(false);
});

test('an empty search, or one of spaces, is met by all', () => {
  for (const search of ['', '  ']) expect(hasWords('lenet', search)).toBe(true);
});
