/** A uniform grid over points: which one lies nearest, which lie in an area. */

import { insidePolygon } from './polygon';
import { boundsOf, type Bounds } from './transform';

const POINTS_A_CELL = 2;
const MOST_CELLS_A_SIDE = 512;

/** Points sorted by cell (`rows`, from `start[cell]` to `start[cell + 1]`); points that are not finite are in none. */
export class PointIndex {
  readonly bounds: Bounds;
  readonly #columns: number;
  readonly #lines: number;
  readonly #cellWidth: number;
  readonly #cellHeight: number;
  readonly #start: Uint32Array;
  readonly #rows: Uint32Array;

  /** `positions`: interleaved x, y; kept, not copied. */
  constructor(readonly positions: Float32Array) {
    const count = positions.length / 2;
    this.bounds = boundsOf(positions);
    const width = this.bounds.maxX - this.bounds.minX || 1;
    const height = this.bounds.maxY - this.bounds.minY || 1;
    const side = Math.sqrt((width * height) / Math.max(1, count / POINTS_A_CELL));
    this.#columns = clamp(Math.ceil(width / side), 1, MOST_CELLS_A_SIDE);
    this.#lines = clamp(Math.ceil(height / side), 1, MOST_CELLS_A_SIDE);
    this.#cellWidth = width / this.#columns;
    this.#cellHeight = height / this.#lines;

    const cellOf = new Int32Array(count);
    this.#start = new Uint32Array(this.#columns * this.#lines + 1);
    for (let row = 0; row < count; row++) {
      const x = positions[2 * row]!;
      const y = positions[2 * row + 1]!;
      const cell = Number.isFinite(x) && Number.isFinite(y) ? this.#line(y) * this.#columns + this.#column(x) : -1;
      cellOf[row] = cell;
      if (cell >= 0) this.#start[cell + 1]!++;
    }
    for (let cell = 1; cell < this.#start.length; cell++) this.#start[cell]! += this.#start[cell - 1]!;
    const next = this.#start.slice();
    this.#rows = new Uint32Array(this.#start[this.#start.length - 1]!);
    for (let row = 0; row < count; row++) {
      const cell = cellOf[row]!;
      if (cell >= 0) this.#rows[next[cell]!++] = row;
    }
  }

  /**
   * The point nearest to (x, y), or -1 where none lies within the ellipse with these half axes. Distances are measured
   * in shares of the half axes, so that they are pixels where the axes are scaled differently. Ties: the smaller row.
   */
  nearest(x: number, y: number, radiusX: number, radiusY: number, accept?: (row: number) => boolean): number {
    let best = -1;
    let smallest = 1;
    this.visit(x - radiusX, y - radiusY, x + radiusX, y + radiusY, (row, px, py) => {
      const distance = ((px - x) / radiusX) ** 2 + ((py - y) / radiusY) ** 2;
      if (distance > smallest || (distance === smallest && best >= 0 && row > best)) return;
      if (accept && !accept(row)) return;
      smallest = distance;
      best = row;
    });
    return best;
  }

  /** Rows inside a box, ascending. */
  inBox(minX: number, minY: number, maxX: number, maxY: number): Uint32Array {
    const found: number[] = [];
    this.visit(minX, minY, maxX, maxY, (row, x, y) => {
      if (x >= minX && x <= maxX && y >= minY && y <= maxY) found.push(row);
    });
    return Uint32Array.from(found).sort();
  }

  /** Rows inside a polygon (interleaved corners), ascending: whole cells where no edge passes, else point by point. */
  inPolygon(polygon: ArrayLike<number>): Uint32Array {
    if (polygon.length < 6) return new Uint32Array();
    const crossed = this.#cellsOnEdges(polygon);
    const area = boundsOf(Float32Array.from(polygon));
    const found: number[] = [];
    for (let line = this.#line(area.minY); line <= this.#line(area.maxY); line++) {
      for (let column = this.#column(area.minX); column <= this.#column(area.maxX); column++) {
        const cell = line * this.#columns + column;
        const begin = this.#start[cell]!;
        const end = this.#start[cell + 1]!;
        if (begin === end) continue;
        if (crossed[cell]) {
          for (let i = begin; i < end; i++) if (this.#inside(polygon, this.#rows[i]!)) found.push(this.#rows[i]!);
        } else if (this.#inside(polygon, this.#rows[begin]!)) {
          for (let i = begin; i < end; i++) found.push(this.#rows[i]!);
        }
      }
    }
    return Uint32Array.from(found).sort();
  }

  /** Calls `see` for every point of the cells that a box touches, in no order; some lie a little outside of it. */
  visit(minX: number, minY: number, maxX: number, maxY: number, see: (row: number, x: number, y: number) => void) {
    for (let line = this.#line(minY); line <= this.#line(maxY); line++) {
      const first = line * this.#columns;
      const begin = this.#start[first + this.#column(minX)]!;
      const end = this.#start[first + this.#column(maxX) + 1]!;
      for (let i = begin; i < end; i++) {
        const row = this.#rows[i]!;
        see(row, this.positions[2 * row]!, this.positions[2 * row + 1]!);
      }
    }
  }

  #inside(polygon: ArrayLike<number>, row: number): boolean {
    return insidePolygon(polygon, this.positions[2 * row]!, this.positions[2 * row + 1]!);
  }

  /** Marks every cell that an edge touches; a neighbour more on each side outweighs rounding. */
  #cellsOnEdges(polygon: ArrayLike<number>): Uint8Array {
    const marked = new Uint8Array(this.#columns * this.#lines);
    const corners = polygon.length / 2;
    for (let i = 0, j = corners - 1; i < corners; j = i++) {
      const [x1, y1, x2, y2] = [polygon[2 * j]!, polygon[2 * j + 1]!, polygon[2 * i]!, polygon[2 * i + 1]!];
      const first = Math.max(0, this.#line(Math.min(y1, y2)) - 1);
      const last = Math.min(this.#lines - 1, this.#line(Math.max(y1, y2)) + 1);
      for (let line = first; line <= last; line++) {
        const top = this.bounds.minY + line * this.#cellHeight;
        const [left, right] = spanWithin(x1, y1, x2, y2, top - this.#cellHeight, top + 2 * this.#cellHeight);
        const from = Math.max(0, this.#column(left) - 1);
        const to = Math.min(this.#columns - 1, this.#column(right) + 1);
        marked.fill(1, line * this.#columns + from, line * this.#columns + to + 1);
      }
    }
    return marked;
  }

  #column(x: number): number {
    return clamp(Math.floor((x - this.bounds.minX) / this.#cellWidth), 0, this.#columns - 1);
  }

  #line(y: number): number {
    return clamp(Math.floor((y - this.bounds.minY) / this.#cellHeight), 0, this.#lines - 1);
  }
}

/** The interval of x that the segment covers between two heights; all of it where it does not reach them. */
function spanWithin(x1: number, y1: number, x2: number, y2: number, low: number, high: number): [number, number] {
  if (y1 === y2) return [Math.min(x1, x2), Math.max(x1, x2)];
  const at = (y: number): number => x1 + ((x2 - x1) * (clamp(y, Math.min(y1, y2), Math.max(y1, y2)) - y1)) / (y2 - y1);
  const [a, b] = [at(low), at(high)];
  return [Math.min(a, b), Math.max(a, b)];
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
