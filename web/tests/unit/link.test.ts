import { describe, expect, it } from 'vitest';
import { readLink, writeLink, type Link } from '../../src/state/link';

const LINK: Link = {
  run: 'ff865d8b67f46c7a',
  layer: 'conv 1/ü',
  step: 80,
  filters: [41, 7],
  instances: new Set([5, 70_000_000_000]),
  overlay: 'filter',
  colour: 'prediction',
  order: 'sorted',
  label: 6,
  scalars: ['loss/train', 'größe & mehr'],
  density: true,
  view: 'input_map',
};

describe('the link', () => {
  it('reproduces what is chosen', () => {
    expect(readLink(`#${writeLink(LINK)}`)).toEqual(LINK);
  });

  it('leaves out what is usual', () => {
    const usual = readLink('');
    expect(writeLink({ ...usual, run: 'a', layer: 'fc1' })).toBe('run=a&layer=fc1');
  });

  it('ignores what makes no sense', () => {
    const link = readLink('#run=a&step=-4&filters=x.3.1e9&overlay=rainbow&view=door&label=2.5');
    expect(link).toEqual({ ...readLink(''), run: 'a', filters: [3] });
  });

  it('leaves out a selection too large for an address', () => {
    const many = new Set(Array.from({ length: 5000 }, (_, index) => index));
    expect(writeLink({ ...LINK, instances: many })).not.toContain('instances');
    expect(writeLink({ ...LINK, filters: [...many] })).not.toContain('filters');
  });
});
