/** What the overview's panels are drawn with: ticks, curves, and names where they end. */

import type { Scale } from '../../lib/axes';
import type { Palette } from '../../lib/colours';
import type { Pen } from '../../lib/pen';
import type { Geometry } from './geometry';

/** Between the panels and the names at their right. */
export const LABEL_GAP = 10;
/** Points nearer to each other than this, in pixels, get no dots. */
const DOT_SPACING = 8;

export function drawTicks(
  pen: Pen,
  box: Geometry,
  ticks: readonly number[],
  scale: Scale,
  text: (tick: number) => string,
  palette: Palette,
): void {
  pen.lineWidth = 1;
  pen.textAlign = 'right';
  pen.font = `400 11px ${palette.font}`;
  for (const tick of ticks) {
    const y = Math.round(scale.at(tick)) + 0.5;
    pen.strokeStyle = palette.line;
    pen.beginPath();
    pen.moveTo(box.left, y);
    pen.lineTo(box.right, y);
    pen.stroke();
    pen.fillStyle = palette.ink3;
    pen.fillText(text(tick), box.left - 8, y);
  }
}

export function drawLine(
  pen: Pen,
  box: Geometry,
  steps: readonly number[],
  values: readonly number[],
  scale: Scale,
  colour: string,
  width: number,
  alpha: number,
): void {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.globalAlpha = alpha;
  pen.beginPath();
  let down = false;
  for (let index = 0; index < steps.length; index++) {
    const value = values[index]!;
    if (!Number.isFinite(value)) {
      down = false;
      continue;
    }
    const x = box.time.at(steps[index]!);
    if (down) pen.lineTo(x, scale.at(value));
    else pen.moveTo(x, scale.at(value));
    down = true;
  }
  pen.stroke();
  pen.globalAlpha = 1;
}

/** Marks each point of a curve, where they lie far enough apart. */
export function drawDots(
  pen: Pen,
  box: Geometry,
  steps: readonly number[],
  values: readonly number[],
  scale: Scale,
  colour: string,
): void {
  if (steps.length > (box.right - box.left) / DOT_SPACING) return;
  pen.fillStyle = colour;
  steps.forEach((step, index) => {
    const value = values[index]!;
    if (!Number.isFinite(value)) return;
    pen.beginPath();
    pen.arc(box.time.at(step), scale.at(value), 1.7, 0, 2 * Math.PI);
    pen.fill();
  });
}

/** A name at the right of the panels, `indent` further to the right. */
export function label(
  pen: Pen,
  box: Geometry,
  text: string,
  y: number,
  colour: string,
  weight: number,
  palette: Palette,
  indent = 0,
): void {
  pen.textAlign = 'left';
  pen.font = `${weight} 11px ${palette.font}`;
  pen.fillStyle = colour;
  pen.fillText(text, box.right + LABEL_GAP + indent, y);
}

export function smallest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

export function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}
