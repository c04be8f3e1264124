/** What is drawn above the points: contours, badges, counts of identical inputs, the area being drawn, the point under the pointer. */

import type { MapPanel } from '../../components/map-pointer.svelte';
import { wantsDarkInk, type Palette } from '../../lib/colours';
import { integer } from '../../lib/format';
import type { InputMap } from '../../net/views';
import { drawArea } from '../../render/area';
import { screenX, screenY } from '../../render/transform';
import type { Badge } from './badges';
import { drawContours } from './contours';
import type { Outline } from './density.svelte';
import { pointRadius } from './style';

export interface Annotations {
  map: InputMap;
  panels: readonly MapPanel[];
  /** Captions of small multiples. */
  captions: readonly string[];
  badges: readonly Badge[];
  outlines: readonly Outline[];
  /** CSS colour of an outline's group. */
  groupColour: (group: number) => string;
  /** Whether outlines are tinted inside. */
  grounds: boolean;
  name: (label: number) => string;
  colour: (label: number) => string;
  /** Rows that stand for so many identical inputs that it is said. */
  collapsed: readonly number[];
  /** Row under the pointer or the keyboard. */
  hover: number | null;
  /** Corners of the area being drawn, interleaved, in the view's pixels. */
  area: readonly number[];
  palette: Palette;
}

export function annotate(context: CanvasRenderingContext2D, shown: Annotations): void {
  shown.panels.forEach((panel, index) => {
    context.save();
    context.translate(panel.x, panel.y);
    if (shown.outlines.length > 0) {
      context.save();
      context.beginPath();
      context.rect(0, 0, panel.width, panel.height);
      context.clip();
      drawContours(context, panel.view, shown.outlines, shown.groupColour, shown.grounds);
      context.restore();
    }
    const caption = shown.captions[index];
    if (caption !== undefined) drawCaption(context, panel, caption, shown.palette);
    for (const row of shown.collapsed) drawCount(context, panel, shown, row);
    if (shown.panels.length === 1) shown.badges.forEach((badge) => drawBadge(context, panel, shown, badge));
    if (shown.hover !== null) drawHover(context, panel, shown, shown.hover);
    context.restore();
  });
  drawArea(context, shown.area, shown.palette);
}

function place(panel: MapPanel, map: InputMap, row: number): [number, number] {
  return [screenX(panel.view, map.position[2 * row]!), screenY(panel.view, map.position[2 * row + 1]!)];
}

function drawCaption(context: CanvasRenderingContext2D, panel: MapPanel, caption: string, palette: Palette): void {
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.strokeRect(0.5, 0.5, panel.width, panel.height);
  context.fillStyle = palette.ink2;
  context.font = `600 11px ${palette.font}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillText(caption, 8, 12);
}

function drawBadge(context: CanvasRenderingContext2D, panel: MapPanel, shown: Annotations, badge: Badge): void {
  const [x, y] = place(panel, shown.map, badge.row);
  const text = shown.name(badge.label);
  const colour = shown.colour(badge.label);
  context.font = `600 11px ${shown.palette.font}`;
  const width = Math.max(18, context.measureText(text).width + 8);
  context.beginPath();
  context.roundRect(x - width / 2, y - 9, width, 18, 4);
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = shown.palette.panel;
  context.stroke();
  context.fillStyle = wantsDarkInk(colour) ? '#10131a' : '#ffffff';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, x, y + 0.5);
}

function drawCount(context: CanvasRenderingContext2D, panel: MapPanel, shown: Annotations, row: number): void {
  const [x, y] = place(panel, shown.map, row);
  const { palette } = shown;
  context.fillStyle = palette.panel;
  context.strokeStyle = palette.ink2;
  context.lineWidth = 1.5;
  context.beginPath();
  context.rect(x - 5, y - 5, 10, 10);
  context.stroke();
  context.font = `600 11px ${palette.font}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  const text = `×${integer(shown.map.multiplicity[row])} alike`;
  context.globalAlpha = 0.85;
  context.fillStyle = palette.panel;
  context.beginPath();
  context.roundRect(x + 8, y - 8, context.measureText(text).width + 8, 16, 4);
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = palette.ink2;
  context.fillText(text, x + 12, y);
}

function drawHover(context: CanvasRenderingContext2D, panel: MapPanel, shown: Annotations, row: number): void {
  const [x, y] = place(panel, shown.map, row);
  const radius = pointRadius(shown.map.count) + 3.5;
  for (const [width, colour] of [
    [4, shown.palette.panel],
    [1.8, shown.palette.ink],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}
