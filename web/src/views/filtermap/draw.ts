/** Draws the filter map: alike filters lie together; hue is a filter's label, size how specific it is to it. */

import type { Palette } from '../../lib/colours';
import type { Pen } from '../../lib/pen';
import type { FilterMap, LayerDetail } from '../../net/views';
import { screenX, screenY, type ViewTransform } from '../../render/transform';

export interface Shown {
  map: FilterMap;
  detail: LayerDetail | null;
  view: ViewTransform;
  width: number;
  height: number;
  /** CSS colour of a filter's label. */
  colour: (label: number) => string;
  /** Mean activation of the chosen instances in shares of the largest, by filter; `null` without a choice. */
  means: Float32Array | null;
  chosen: readonly number[];
  hover: number | null;
  /** Label that is shown in full; `null` = all. */
  isolated: number | null;
  palette: Palette;
}

/** More filters than this have no room for their numbers. */
export const NUMBERED = 64;
/** Of more chosen filters than this the numbers would cover each other. */
const NAMED = 9;
const FAINT = 0.18;

/** Radius of a filter's mark: large = specific to one label. */
export function markRadius(count: number, specificity: number): number {
  const [least, most] = count <= 25 ? [4, 11] : count <= NUMBERED ? [3, 8] : count <= 600 ? [2.2, 4.6] : [1.4, 3];
  return least + (most - least) * (Number.isFinite(specificity) ? Math.min(1, Math.max(0, specificity)) : 0);
}

export function drawFilterMap(pen: Pen, shown: Shown): void {
  const { map } = shown;
  const places = new Map<number, number>();
  map.filter.forEach((filter, index) => places.set(filter, index));
  drawLinks(pen, shown, places);
  map.filter.forEach((filter, index) => drawFilter(pen, shown, filter, index));
  if (map.filter.length <= NUMBERED) {
    drawNumbers(pen, shown, [...map.filter.keys()]);
  }
  if (shown.hover !== null) ring(pen, shown, places.get(shown.hover), shown.palette.ink, 1.5, false);
  // Marks that have no number of their own get one while they are few enough to be told apart.
  const few = shown.chosen.length <= NAMED;
  const named = few && map.filter.length > NUMBERED;
  for (const filter of shown.chosen) {
    ring(pen, shown, places.get(filter), shown.palette.accent, few ? 2 : 1.25, named);
  }
}

function place({ map, view }: Shown, index: number): [number, number] {
  return [screenX(view, map.position[2 * index]!), screenY(view, map.position[2 * index + 1]!)];
}

function radiusOf(shown: Shown, filter: number): number {
  return markRadius(shown.map.filter.length, shown.detail?.specificity[filter] ?? Number.NaN);
}

function drawLinks(pen: Pen, shown: Shown, places: Map<number, number>): void {
  const { link, linkValue } = shown.map;
  pen.strokeStyle = shown.palette.ink4;
  for (let index = 0; index < linkValue.length; index++) {
    const from = places.get(link[2 * index]!);
    const to = places.get(link[2 * index + 1]!);
    if (from === undefined || to === undefined) continue;
    pen.lineWidth = 0.6 + 1.6 * Math.max(0, (linkValue[index]! - 0.7) / 0.3);
    pen.beginPath();
    pen.moveTo(...place(shown, from));
    pen.lineTo(...place(shown, to));
    pen.stroke();
  }
}

function drawFilter(pen: Pen, shown: Shown, filter: number, index: number): void {
  const { detail, palette, means } = shown;
  const [x, y] = place(shown, index);
  const label = detail?.label[filter] ?? -1;
  const radius = radiusOf(shown, filter);
  const hue = shown.colour(label);
  pen.globalAlpha = shown.isolated !== null && label !== shown.isolated ? FAINT : 1;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = means === null ? hue : palette.ramp(means[filter] ?? 0);
  pen.fill();
  if (means !== null) {
    pen.lineWidth = radius > 4 ? 2 : 1.2;
    pen.strokeStyle = hue;
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

/** Numbers stand at the right of their marks; one that would run into another, or a mark, is left to the tooltip. */
function drawNumbers(pen: Pen, shown: Shown, indices: number[]): void {
  const { map, palette } = shown;
  const taken: [number, number, number][] = [];
  const marks = indices.map((index) => [...place(shown, index), radiusOf(shown, map.filter[index]!)] as const);
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  for (const index of indices) {
    const filter = map.filter[index]!;
    const [x, y] = place(shown, index);
    const left = x + radiusOf(shown, filter) + 4;
    const text = String(filter);
    const right = left + text.length * 6.5;
    const chosen = shown.chosen.includes(filter);
    if (right > shown.width || taken.some(([a, b, line]) => left < b && right > a && Math.abs(line - y) < 11)) continue;
    const onMark = ([mx, my, radius]: readonly [number, number, number]) =>
      mx !== x && left < mx + radius && right > mx - radius && Math.abs(my - y) < radius + 4;
    if (!chosen && marks.some(onMark)) continue;
    taken.push([left, right, y]);
    pen.font = `${chosen ? 600 : 400} 10px ${palette.font}`;
    pen.fillStyle = chosen ? palette.ink : palette.ink3;
    pen.fillText(text, left, y);
  }
}

function ring(
  pen: Pen,
  shown: Shown,
  index: number | undefined,
  colour: string,
  width: number,
  numbered: boolean,
): void {
  if (index === undefined) return;
  const [x, y] = place(shown, index);
  const filter = shown.map.filter[index]!;
  const radius = radiusOf(shown, filter) + 3;
  for (const [line, stroke] of [
    [width + 2, shown.palette.panel],
    [width, colour],
  ] as const) {
    pen.lineWidth = line;
    pen.strokeStyle = stroke;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.stroke();
  }
  if (!numbered) return;
  pen.font = `600 11px ${shown.palette.font}`;
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  pen.fillStyle = shown.palette.ink;
  pen.fillText(String(filter), x + radius + 4, y);
}
