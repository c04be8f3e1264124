/** Draws the overview: curves over lanes over one time axis, labelled where they end. */

import { ACCURACY_TICKS, logarithmic, lossTicks, spaced, stepTicks, type Scale } from '../../lib/axes';
import type { Palette } from '../../lib/colours';
import { integer } from '../../lib/format';
import type { Pen } from '../../lib/pen';
import type { ScalarPanel } from '../../lib/scalars';
import type { Series } from '../../lib/series';
import type { Course, LayerCourse, LayerInfo } from '../../wire';
import { NAMED_LANES, type Band, type Geometry } from './geometry';
import { drawDots, drawLine, drawTicks, label, largest, smallest } from './lines';
import { drawScalars } from './scalars';

export interface Shown {
  series: Series;
  /** TensorBoard's scalars that are chosen. */
  scalars: readonly ScalarPanel[];
  course: Course | null;
  layers: LayerInfo[];
  /** The chosen layer's index. */
  layer: number | null;
  /** The step that the views show. */
  step: number;
  /** Before the first mini-batch. */
  empty: boolean;
}

/** A change of the histogram by this much is drawn darkest. */
const DARKEST_CHANGE = 0.5;
/** Width of a digit. */
const LETTER = 6.4;

export function drawOverview(pen: Pen, box: Geometry, shown: Shown, palette: Palette): void {
  pen.textBaseline = 'middle';
  drawLoss(pen, box, shown.series, palette);
  if (box.accuracy) drawAccuracy(pen, box, box.accuracy, shown.series, palette);
  drawScalars(pen, box, shown.scalars, palette);
  if (shown.empty) {
    drawEmptyAxis(pen, box, palette);
    return;
  }
  drawLanes(pen, box, shown, palette);
  drawAxis(pen, box, shown.step, shown.course?.map_steps ?? [], palette);
  drawScrubber(pen, box, shown.step, palette);
}

function drawLoss(pen: Pen, box: Geometry, series: Series, palette: Palette): void {
  const positive = series.loss.filter((loss) => loss > 0);
  if (positive.length === 0) return;
  const low = smallest(positive) / 1.15;
  const high = largest(positive) * 1.15;
  const scale = logarithmic(low, high, box.loss.bottom, box.loss.top);
  const decade = (box.loss.bottom - box.loss.top) / Math.log10(high / low);
  const ticks = spaced(lossTicks(low, high, decade), scale, 12);
  drawTicks(pen, box, ticks, scale, (tick) => String(tick), palette);
  drawLine(pen, box, series.step, series.loss, scale, palette.ink4, 0.8, 0.55);
  drawLine(pen, box, series.step, series.smoothLoss, scale, palette.ink2, 1.8, 1);
  const end = series.smoothLoss.at(-1);
  if (end === undefined || !Number.isFinite(end)) return;
  label(pen, box, 'Loss', Math.max(scale.at(end), box.loss.top + 24), palette.ink2, 600, palette);
}

function drawAccuracy(pen: Pen, box: Geometry, panel: Band, series: Series, palette: Palette): void {
  const { validations } = series;
  const known = [...series.smoothAccuracy, ...validations.accuracy].filter(Number.isFinite);
  if (known.length === 0) return;
  const least = Math.max(1e-4, (1 - largest(known)) / 1.3);
  const most = Math.max(least * 4, Math.min(1, (1 - smallest(known)) * 1.05));
  const errors = logarithmic(least, most, panel.top, panel.bottom);
  const scale: Scale = { at: (accuracy) => errors.at(1 - accuracy) };
  const inside = ACCURACY_TICKS.filter((tick) => 1 - tick >= least && 1 - tick <= most);
  const percents = (tick: number) => `${Number((tick * 100).toFixed(2))}\u00a0%`;
  drawTicks(pen, box, spaced([...inside].reverse(), scale, 12), scale, percents, palette);
  drawLine(pen, box, series.step, series.smoothAccuracy, scale, palette.ink4, 1.6, 1);
  drawLine(pen, box, validations.step, validations.accuracy, scale, palette.ink, 1.8, 1);
  drawDots(pen, box, validations.step, validations.accuracy, scale, palette.ink);
  labelAccuracies(pen, box, panel, scale, series, palette);
}

/** The two names keep a line's height apart, in the order of their curves. */
function labelAccuracies(pen: Pen, box: Geometry, panel: Band, scale: Scale, series: Series, palette: Palette): void {
  const validation = series.validations.accuracy.at(-1);
  const training = series.smoothAccuracy.at(-1);
  let upper = validation !== undefined && Number.isFinite(validation) ? scale.at(validation) : null;
  let lower = training !== undefined && Number.isFinite(training) ? scale.at(training) : null;
  if (upper !== null && lower !== null && Math.abs(upper - lower) < 13) {
    const middle = (upper + lower) / 2;
    const first = upper <= lower ? -6.5 : 6.5;
    upper = middle + first;
    lower = middle - first;
  }
  // A low panel has the other curve's name right above it.
  const least = panel.top + 4 - Math.min(upper ?? Infinity, lower ?? Infinity);
  if (upper !== null) upper += Math.max(0, least);
  if (lower !== null) lower += Math.max(0, least);
  if (upper !== null) label(pen, box, 'Validation', upper, palette.ink, 600, palette);
  if (lower !== null) label(pen, box, 'Training', lower, palette.ink3, 400, palette);
}

function drawLanes(pen: Pen, box: Geometry, shown: Shown, palette: Palette): void {
  const courses = new Map(shown.course?.layers.map((course) => [course.layer, course]));
  const named = shown.layers.length <= NAMED_LANES;
  shown.layers.forEach((layer, lane) => {
    const top = box.lanes.top + lane * box.lanes.pitch;
    const middle = top + box.lanes.height / 2;
    const chosen = layer.index === shown.layer;
    const course = courses.get(layer.index);
    if (course) drawLane(pen, box, course, top, palette);
    if (!named && !chosen) return;
    pen.textAlign = 'right';
    pen.font = `${chosen ? 600 : 400} 11px ${palette.font}`;
    pen.fillStyle = chosen ? palette.ink : palette.ink3;
    pen.fillText(shortened(layer.name), box.left - 8, middle);
    const words = course ? stateWords(course) : null;
    if (words) label(pen, box, words.text, middle, words.stable ? palette.accent : palette.ink3, 400, palette);
  });
}

function drawLane(pen: Pen, box: Geometry, course: LayerCourse, top: number, palette: Palette): void {
  const { height } = box.lanes;
  const dot = Math.min(3.2, height / 2 + 0.5);
  for (let index = 0; index < course.step.length; index++) {
    const x = box.time.at(before(course, index));
    const width = Math.max(0.5, box.time.at(course.step[index]!) - x);
    if (course.stable[index]) {
      pen.fillStyle = palette.accent;
      pen.fillRect(x - 0.3, top + height / 2 - Math.min(1, height / 4), width + 0.6, Math.min(2, height / 2));
      continue;
    }
    const change = course.change[index] ?? null;
    pen.fillStyle = change === null ? palette.bg : palette.ramp(0.04 + Math.min(1, change / DARKEST_CHANGE) * 0.8);
    pen.fillRect(x, top, width > 3 ? width - 0.6 : width, height);
  }
  pen.fillStyle = palette.accent;
  course.stable.forEach((stable, index) => {
    if (!stable || course.stable[index - 1]) return;
    pen.beginPath();
    pen.arc(box.time.at(before(course, index)) + dot / 2, top + height / 2, dot, 0, 2 * Math.PI);
    pen.fill();
  });
}

/** The last step before a window; `from` is its first. */
function before(course: LayerCourse, index: number): number {
  return Math.max(0, course.from[index]! - 1);
}

function stateWords(course: LayerCourse): { text: string; stable: boolean } | null {
  const last = course.step.length - 1;
  if (last < 0) return null;
  if (!course.stable[last]) return { text: last < 1 ? 'early' : 'changing', stable: false };
  let since = last;
  while (since > 0 && course.stable[since - 1]) since -= 1;
  return { text: `stable since ${integer(course.step[since])}`, stable: true };
}

function drawAxis(pen: Pen, box: Geometry, step: number, maps: readonly number[], palette: Palette): void {
  const covered = thumb(box, step);
  const y = Math.round(box.axis) + 0.5;
  pen.strokeStyle = palette.line2;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(box.left, y);
  pen.lineTo(box.right, y);
  pen.stroke();
  pen.textAlign = 'center';
  pen.font = `400 11px ${palette.font}`;
  pen.fillStyle = palette.ink3;
  for (const tick of stepTicks(box.last, box.right - box.left, 90)) {
    const x = box.time.at(tick);
    const half = (integer(tick).length * LETTER) / 2;
    // The scrubber's number stands in place of those that it would cover.
    if (x + half + 4 < covered[0] || x - half - 4 > covered[1]) pen.fillText(integer(tick), x, box.axis + 12);
  }
  pen.fillStyle = palette.panel;
  pen.strokeStyle = palette.ink2;
  for (const x of apart(maps.map((step) => box.time.at(step)))) {
    pen.beginPath();
    pen.moveTo(x, y - 4);
    pen.lineTo(x + 4, y);
    pen.lineTo(x, y + 4);
    pen.lineTo(x - 4, y);
    pen.closePath();
    pen.fill();
    pen.stroke();
  }
}

function drawEmptyAxis(pen: Pen, box: Geometry, palette: Palette): void {
  pen.fillStyle = palette.line2;
  pen.fillRect(box.left, Math.round(box.axis), box.right - box.left, 1);
  pen.fillStyle = palette.ink3;
  pen.textAlign = 'center';
  pen.font = `400 11px ${palette.font}`;
  pen.fillText('0', box.left, box.axis + 12);
}

function drawScrubber(pen: Pen, box: Geometry, step: number, palette: Palette): void {
  const x = Math.round(box.time.at(Math.min(step, box.last))) + 0.5;
  pen.strokeStyle = palette.accent;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(x, 2);
  pen.lineTo(x, box.axis);
  pen.stroke();
  const text = integer(step);
  const [left, right] = thumb(box, step);
  const width = right - left;
  pill(pen, left, box.axis + 4, width, 16, palette.accent);
  pen.fillStyle = palette.accentInk;
  pen.font = `600 11px ${palette.font}`;
  pen.textAlign = 'center';
  pen.fillText(text, left + width / 2, box.axis + 12.5);
}

/** Where the scrubber's number begins and ends. */
function thumb(box: Geometry, step: number): [number, number] {
  const width = integer(step).length * LETTER + 12;
  const left = Math.min(box.time.at(Math.min(step, box.last)) - width / 2, box.width - width - 2);
  return [left, left + width];
}

function pill(pen: Pen, x: number, y: number, width: number, height: number, colour: string): void {
  const radius = height / 2;
  pen.fillStyle = colour;
  pen.fillRect(x + radius, y, width - height, height);
  for (const centre of [x + radius, x + width - radius]) {
    pen.beginPath();
    pen.arc(centre, y + radius, radius, 0, 2 * Math.PI);
    pen.fill();
  }
}

/** Places of which none hides another: of neighbours nearer than a mark's width the later stays. */
function apart(places: readonly number[]): number[] {
  const kept: number[] = [];
  for (const place of places) {
    if (kept.length > 0 && place - kept.at(-1)! < 6) kept.pop();
    kept.push(place);
  }
  return kept;
}

/** Fits a name into the left margin; of a path (`layer4.1.conv2`) the end tells more. */
function shortened(name: string): string {
  if (name.length <= 7) return name;
  return name.includes('.') ? `…${name.slice(-6)}` : `${name.slice(0, 6)}…`;
}
