/** Cells of a heatmap: rows of five or ten while they are few, else as many as fill the panel. */

export interface Grid {
  columns: number;
  rows: number;
  /** Side of a cell with its gap, CSS pixels. */
  pitch: number;
  /** Side of what is filled. */
  cell: number;
}

const LARGEST = 44;
const FEW = 100;

export function gridOf(count: number, width: number, height: number): Grid {
  if (count === 0 || width < 1 || height < 1) return { columns: 1, rows: 0, pitch: 1, cell: 1 };
  const candidates = count < FEW ? [5, 10, 20] : [fillingColumns(count, width, height)];
  let best: Grid | null = null;
  for (const columns of candidates) {
    const used = Math.min(columns, count);
    const rows = Math.ceil(count / columns);
    const pitch = Math.min(LARGEST, width / used, height / rows);
    if (best === null || pitch > best.pitch) best = { columns, rows, pitch, cell: pitch - gap(pitch) };
  }
  return best!;
}

/** The cell at a place in the grid, or -1. */
export function cellAt(grid: Grid, count: number, x: number, y: number): number {
  const column = Math.floor(x / grid.pitch);
  const row = Math.floor(y / grid.pitch);
  if (column < 0 || row < 0 || column >= grid.columns) return -1;
  const cell = row * grid.columns + column;
  return cell < count ? cell : -1;
}

/** The largest cells of which `count` fit. */
function fillingColumns(count: number, width: number, height: number): number {
  let columns = Math.max(1, Math.floor(Math.sqrt((count * width) / height)));
  while (Math.ceil(count / columns) * (width / columns) > height) columns += 1;
  return columns;
}

function gap(pitch: number): number {
  return pitch >= 10 ? 2 : pitch >= 6 ? 1 : 0.5;
}
