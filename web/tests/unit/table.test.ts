import { describe, expect, it } from 'vitest';
import { csvOf, sortedRows, type Table } from '../../src/lib/table';

const table: Table = {
  caption: 'Filters',
  columns: [{ title: 'Name' }, { title: 'Value, largest' }],
  rows: [
    ['b', 2],
    ['a "x", y', null],
    ['c', 10],
    ['d', Number.NaN],
  ],
};

describe('a table', () => {
  it('becomes CSV with quotes where they are needed and nothing for what is not known', () => {
    expect(csvOf(table)).toBe('Name,"Value, largest"\r\nb,2\r\n"a ""x"", y",\r\nc,10\r\nd,\r\n');
  });

  it('sorts numbers as numbers and keeps unknown ones last both ways', () => {
    expect(sortedRows(table, 1, true)).toEqual([0, 2, 1, 3]);
    expect(sortedRows(table, 1, false)).toEqual([2, 0, 1, 3]);
  });
});
