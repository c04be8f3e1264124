/** Draws TensorBoard's scalars: a panel a tag under the run's own curves, on the same time axis. */

import { linear, linearTicks, logarithmic, lossTicks, spaced, type Scale } from '../../lib/axes';
import type { Palette } from '../../lib/colours';
import { compact, integer, significant } from '../../lib/format';
import type { Pen } from '../../lib/pen';
import { within, type ScalarPanel } from '../../lib/scalars';
import type { Band, Geometry } from './geometry';
import { drawDots, drawLine, drawTicks, label, LABEL_GAP, largest, smallest } from './lines';

/** Positive values that span more than this are drawn on a logarithmic axis. */
const LOGARITHMIC_FROM = 100;
const LABEL_PITCH = 13;
/** Room for a line's ink before its name. */
const SWATCH = 12;
/** Letters of a name that fit at the right. */
const LETTERS = 16;

/** Inks of the lines of one panel, in their order: as a legend shows them. */
export function lineInk(index: number, palette: Palette): string {
  return [palette.ink2, palette.ink4, palette.ink][index % 3]!;
}

export function drawScalars(pen: Pen, box: Geometry, panels: readonly ScalarPanel[], palette: Palette): void {
  panels.forEach((panel, index) => {
    const band = box.scalars[index];
    if (band) drawPanel(pen, box, band, panel, palette);
  });
}

function drawPanel(pen: Pen, box: Geometry, band: Band, panel: ScalarPanel, palette: Palette): void {
  const curves = panel.lines.map((line) => within(line, box.last));
  const values = curves.flatMap(({ value }) => value).filter(Number.isFinite);
  if (values.length > 0) {
    const { scale, ticks } = axis(values, band);
    drawTicks(pen, box, ticks, scale, tickText, palette);
    curves.forEach(({ step, value }, index) => {
      const ink = lineInk(index, palette);
      drawLine(pen, box, step, value, scale, ink, 1.4, 1);
      drawDots(pen, box, step, value, scale, ink);
    });
  } else {
    pen.textAlign = 'left';
    pen.font = `400 11px ${palette.font}`;
    pen.fillStyle = palette.ink3;
    pen.fillText(absence(panel, box.last), box.left, (band.top + band.bottom) / 2);
  }
  drawNames(pen, box, band, panel, palette);
}

/** Why a panel is empty. */
function absence(panel: ScalarPanel, last: number): string {
  const begin = smallest(panel.lines.flatMap(({ step }) => step[0] ?? []));
  return begin > last ? `begins at step ${integer(begin)}` : 'no finite value yet';
}

function axis(values: readonly number[], band: Band): { scale: Scale; ticks: number[] } {
  const [low, high] = [smallest(values), largest(values)];
  const height = band.bottom - band.top;
  if (low > 0 && high / low > LOGARITHMIC_FROM) {
    const scale = logarithmic(low / 1.1, high * 1.1, band.bottom, band.top);
    return { scale, ticks: spaced(lossTicks(low, high, height / Math.log10(high / low)), scale, 12) };
  }
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  const scale = linear(low - room, high + room, band.bottom, band.top);
  return { scale, ticks: spaced(linearTicks(low - room, high + room, height, 18), scale, 12) };
}

function tickText(tick: number): string {
  return Math.abs(tick) >= 1e4 ? compact(tick) : significant(tick);
}

/** The tag, and under it the folders, as far as there is room. */
function drawNames(pen: Pen, box: Geometry, band: Band, panel: ScalarPanel, palette: Palette): void {
  const folders = panel.lines.map((line, index) => ({ name: line.folder, ink: lineInk(index, palette) }));
  const named = folders.filter(({ name }) => name !== '');
  const room = Math.max(0, Math.floor((band.bottom - band.top) / LABEL_PITCH) - 1);
  const shown = named.slice(0, named.length > room ? Math.max(0, room - 1) : room);
  const rest = named.length - shown.length;
  const top = band.top + 6;
  label(pen, box, shortened(panel.tag), top, palette.ink2, 600, palette);
  shown.forEach(({ name, ink }, index) => {
    const y = top + (index + 1) * LABEL_PITCH;
    pen.fillStyle = ink;
    pen.fillRect(box.right + LABEL_GAP, y - 1, SWATCH - 4, 2);
    label(pen, box, shortened(name), y, palette.ink3, 400, palette, SWATCH);
  });
  if (rest > 0 && room > 0) {
    label(pen, box, `${integer(rest)} more`, top + (shown.length + 1) * LABEL_PITCH, palette.ink3, 400, palette);
  }
}

/** Fits a name into the right margin; of a path (`train/loss`) the end tells more. */
function shortened(name: string): string {
  return name.length <= LETTERS ? name : `…${name.slice(1 - LETTERS)}`;
}
