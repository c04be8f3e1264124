/** A chart's data as rows, for its table twin and for CSV. */

export type Cell = string | number | null;

export interface Column {
  title: string;
  /** How a cell is written on the page; CSV has the bare value. */
  format?: (value: Cell) => string;
}

export interface Table {
  /** What the rows are, for the caption: `Filters of fc1, iteration 600`. */
  caption: string;
  columns: Column[];
  rows: Cell[][];
  /** Whether a row (by its place in `rows`) is chosen. */
  selected?: (row: number) => boolean;
  /** Chooses a row, as a click on its mark would. */
  choose?: (row: number) => void;
}

/** RFC 4180, with a header line; numbers keep their full precision. */
export function csvOf(table: Table): string {
  const lines = [table.columns.map((column) => quoted(column.title)).join(',')];
  for (const row of table.rows) lines.push(row.map(quoted).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

/** The order of rows by one column; numbers before text, empty cells last. */
export function sortedRows(table: Table, column: number, ascending: boolean): number[] {
  const order = table.rows.map((_, row) => row);
  const sign = ascending ? 1 : -1;
  return order.sort((a, b) => compare(table.rows[a]![column] ?? null, table.rows[b]![column] ?? null, sign) || a - b);
}

function compare(a: Cell, b: Cell, sign: number): number {
  const missing = (cell: Cell) => cell === null || (typeof cell === 'number' && Number.isNaN(cell));
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return sign * String(a).localeCompare(String(b));
}

function quoted(cell: Cell): string {
  if (cell === null || (typeof cell === 'number' && !Number.isFinite(cell))) return '';
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
