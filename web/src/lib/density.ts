/** Where points lie close together: contours that hold given shares of a group's points. */

import { blur2 } from 'd3-array';
import { contours } from 'd3-contour';
import { boundsOf, type Bounds } from '../render/transform';

/** The region in which a group is densest. */
export interface Contour {
  group: number;
  /** Share of the group's points that lie inside. */
  share: number;
  /** Closed outlines in map coordinates, interleaved `x, y`; a hole is an outline of its own. */
  rings: Float32Array[];
}

/** Cells along the map's longer side. */
const CELLS = 160;
/** Free cells around the map, so that every outline closes. */
const MARGIN = 20;
/** Width of a point's influence as a share of the longer side, for a group of one point. */
const WIDTH = 0.09;
/** It shrinks with the number of points as the best width for a plane does. */
const SHRINK = -1 / 6;
/** The outlines between cells are straight, the density is not: the point on the edge is to be inside. */
const ROUNDING = 0.99;
/** Fewer points have no density. */
const FEWEST = 8;

/** A grid over the map: cell (column, row) is centred on `x0 + column * cell`, `y0 + row * cell`. */
interface Grid {
  columns: number;
  rows: number;
  x0: number;
  y0: number;
  cell: number;
}

/**
 * Contours of each group from 0 on, the largest share first. Each holds at least that share of the group's points, up
 * to one cell of the grid. `position`: interleaved `x, y`; `group`: of each point, negative = none.
 */
export function densityContours(position: Float32Array, group: Int32Array, shares: readonly number[]): Contour[] {
  const members = membersOf(position, group);
  const grid = gridOver(boundsOf(position));
  return [...members].sort(([a], [b]) => a - b).flatMap(([own, rows]) => ofGroup(position, own, rows, shares, grid));
}

function membersOf(position: Float32Array, group: Int32Array): Map<number, number[]> {
  const members = new Map<number, number[]>();
  group.forEach((own, row) => {
    if (own < 0 || !Number.isFinite(position[2 * row]) || !Number.isFinite(position[2 * row + 1])) return;
    const rows = members.get(own);
    if (rows) rows.push(row);
    else members.set(own, [row]);
  });
  return members;
}

function gridOver({ minX, maxX, minY, maxY }: Bounds): Grid {
  const cell = Math.max(maxX - minX, maxY - minY, Number.MIN_VALUE) / CELLS;
  return {
    columns: Math.ceil((maxX - minX) / cell) + 2 * MARGIN + 1,
    rows: Math.ceil((maxY - minY) / cell) + 2 * MARGIN + 1,
    x0: minX - MARGIN * cell,
    y0: minY - MARGIN * cell,
    cell,
  };
}

function ofGroup(
  position: Float32Array,
  group: number,
  rows: readonly number[],
  shares: readonly number[],
  grid: Grid,
): Contour[] {
  if (rows.length < FEWEST) return [];
  const density = smoothed(position, rows, grid);
  const levels = rows
    .map((row) => sample(density, grid, position[2 * row]!, position[2 * row + 1]!))
    .sort((a, b) => b - a);
  const outline = contours().size([grid.columns, grid.rows]);
  return [...shares]
    .sort((a, b) => b - a)
    .map((share) => {
      const inside = Math.min(rows.length, Math.max(1, Math.ceil(share * rows.length)));
      const { coordinates } = outline.contour(density as unknown as number[], ROUNDING * levels[inside - 1]!);
      return { group, share, rings: coordinates.flat().map((ring) => inMap(ring, grid)) };
    });
}

/** The points, each spread over its surroundings. */
function smoothed(position: Float32Array, rows: readonly number[], grid: Grid): Float32Array {
  const data = new Float32Array(grid.columns * grid.rows);
  for (const row of rows) {
    const { at, right, down } = cellOf(grid, position[2 * row]!, position[2 * row + 1]!);
    data[at]! += (1 - right) * (1 - down);
    data[at + 1]! += right * (1 - down);
    data[at + grid.columns]! += (1 - right) * down;
    data[at + grid.columns + 1]! += right * down;
  }
  // Three box blurs of radius r have the variance r (r + 1).
  const deviation = WIDTH * CELLS * rows.length ** SHRINK;
  const radius = (Math.sqrt(1 + 4 * deviation * deviation) - 1) / 2;
  blur2({ data: data as unknown as number[], width: grid.columns, height: grid.rows }, radius);
  return data;
}

function sample(density: Float32Array, grid: Grid, x: number, y: number): number {
  const { at, right, down } = cellOf(grid, x, y);
  const above = density[at]! * (1 - right) + density[at + 1]! * right;
  const below = density[at + grid.columns]! * (1 - right) + density[at + grid.columns + 1]! * right;
  return above * (1 - down) + below * down;
}

/** The cell at the upper left of a place, and how far the place lies from its centre, in cells. */
function cellOf(grid: Grid, x: number, y: number): { at: number; right: number; down: number } {
  const column = (x - grid.x0) / grid.cell;
  const row = (y - grid.y0) / grid.cell;
  const [left, top] = [Math.floor(column), Math.floor(row)];
  return { at: top * grid.columns + left, right: column - left, down: row - top };
}

/** The outline's places are half a cell off the centres. */
function inMap(ring: readonly (readonly number[])[], grid: Grid): Float32Array {
  const places = new Float32Array(2 * ring.length);
  ring.forEach(([column, row], index) => {
    places[2 * index] = grid.x0 + (column! - 0.5) * grid.cell;
    places[2 * index + 1] = grid.y0 + (row! - 0.5) * grid.cell;
  });
  return places;
}
