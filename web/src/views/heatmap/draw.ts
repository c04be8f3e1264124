/** Draws one mode of the heatmap: ink is activation, marks say what a filter is, accent what is chosen. */

import type { Palette, Rgb } from '../../lib/colours';
import type { Pen } from '../../lib/pen';
import type { Grid } from './grid';
import type { Mark } from './values';

export interface Cells {
  /** Filters in drawing order. */
  order: readonly number[];
  /** Share of the ramp of each filter, by index. */
  share: (filter: number) => number;
  marks: readonly Mark[];
  chosen: readonly number[];
  /** Filter under the pointer or the keyboard. */
  hover: number | null;
}

const INDEX_FROM = 22;
const FEW = 9;

export function drawCells(pen: Pen, grid: Grid, cells: Cells, palette: Palette): void {
  cells.order.forEach((filter, place) => {
    const x = (place % grid.columns) * grid.pitch;
    const y = Math.floor(place / grid.columns) * grid.pitch;
    const mark = cells.marks[filter] ?? null;
    const share = cells.share(filter);
    pen.fillStyle = mark === 'silent' ? palette.panel : palette.ramp(share);
    if (mark === 'always_on') notched(pen, x, y, grid.cell);
    else pen.fillRect(x, y, grid.cell, grid.cell);
    if (mark !== null && mark !== 'always_on') drawMark(pen, mark, x, y, grid.cell, share, palette);
    if (grid.pitch < INDEX_FROM) return;
    pen.fillStyle = mark === 'silent' ? palette.ink2 : inkOn(palette.rampRgb(share));
    pen.font = `400 10px ${palette.font}`;
    pen.textAlign = 'left';
    pen.textBaseline = 'alphabetic';
    pen.fillText(String(filter), x + 3, y + grid.cell - 4);
  });
  const places = new Map(cells.order.map((filter, place) => [filter, place]));
  if (cells.hover !== null) outline(pen, grid, places.get(cells.hover), palette.ink3, 1, palette);
  // Thick outlines side by side would hide the cells.
  const width = cells.chosen.length > FEW ? 1 : 2;
  for (const filter of cells.chosen) outline(pen, grid, places.get(filter), palette.accent, width, palette);
}

/** Dark or white, whichever reads better on a colour. */
function inkOn([red, green, blue]: Rgb): string {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 118 ? '#10131a' : '#ffffff';
}

function outline(
  pen: Pen,
  grid: Grid,
  place: number | undefined,
  colour: string,
  width: number,
  palette: Palette,
): void {
  if (place === undefined) return;
  const x = (place % grid.columns) * grid.pitch;
  const y = Math.floor(place / grid.columns) * grid.pitch;
  const reach = grid.cell < 10 && width > 1 ? 1.5 : 0;
  if (width > 1) {
    pen.lineWidth = width + 2;
    pen.strokeStyle = palette.panel;
    pen.strokeRect(x - reach, y - reach, grid.cell + 2 * reach, grid.cell + 2 * reach);
  }
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.strokeRect(x - reach, y - reach, grid.cell + 2 * reach, grid.cell + 2 * reach);
}

/** Silent: a crossed box. Weak: one diagonal. Weakening: a line at the foot. */
function drawMark(pen: Pen, mark: Mark, x: number, y: number, size: number, share: number, palette: Palette): void {
  pen.strokeStyle = mark === 'silent' || share < 0.5 ? palette.ink3 : palette.panel;
  pen.lineWidth = size < 8 ? 0.8 : 1;
  if (mark === 'silent') pen.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
  pen.beginPath();
  if (mark === 'weakening') {
    pen.moveTo(x + size * 0.2, y + size * 0.82);
    pen.lineTo(x + size * 0.8, y + size * 0.82);
  } else {
    pen.moveTo(x + 0.5, y + size - 0.5);
    pen.lineTo(x + size - 0.5, y + 0.5);
    if (mark === 'silent') {
      pen.moveTo(x + 0.5, y + 0.5);
      pen.lineTo(x + size - 0.5, y + size - 0.5);
    }
  }
  pen.stroke();
}

/** Always on: one corner cut off. */
function notched(pen: Pen, x: number, y: number, size: number): void {
  const cut = size * 0.42;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x + size - cut, y);
  pen.lineTo(x + size, y + cut);
  pen.lineTo(x + size, y + size);
  pen.lineTo(x, y + size);
  pen.closePath();
  pen.fill();
}
