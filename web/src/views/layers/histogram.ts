/** The perplexity histogram of a layer's window, with what changed against the window before. */

import type { Palette } from '../../lib/colours';
import type { Pen } from '../../lib/pen';
import type { LayerSummary } from '../../wire';

/** Bins that are drawn: the 50 that are measured, joined in pairs, are as many as a column can show. */
const JOINED = 2;
const SILENT_WIDTH = 12;
const BARS_LEFT = 26;
const FOOT = 15;

export interface Histogram {
  /** Share of the instances in each bin; the window before's beside it, where known. */
  bars: { now: number; before: number | null }[];
  silent: { now: number; before: number | null };
  median: number | null;
  filters: number;
}

/** Shares are of all valid instances, so that the silent bar compares with the others. */
export function histogramOf(summary: LayerSummary, filters: number, silentBefore: number | null): Histogram {
  const binned = summary.counts.reduce((sum, count) => sum + count, 0);
  const all = Math.max(1, binned + summary.silent);
  const firing = binned / all;
  const firingBefore = silentBefore === null ? firing : 1 - silentBefore;
  const bars: Histogram['bars'] = [];
  for (let start = 0; start < summary.counts.length; start += JOINED) {
    let now = 0;
    let change = 0;
    for (let bin = start; bin < Math.min(start + JOINED, summary.counts.length); bin++) {
      now += summary.counts[bin]! / Math.max(1, binned);
      change += summary.change?.[bin] ?? 0;
    }
    const before = summary.change === null ? null : Math.max(0, now - change) * firingBefore;
    bars.push({ now: now * firing, before });
  }
  return {
    bars,
    silent: { now: summary.silent / all, before: summary.change === null ? null : silentBefore },
    median: medianOf(summary.counts, filters),
    filters,
  };
}

/** The median perplexity, interpolated within its bin; `null` where nothing fired. */
export function medianOf(counts: readonly number[], filters: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const high = filters > 1 ? filters : 2;
  let below = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const count = counts[bin]!;
    if (below + count >= total / 2) {
      const within = count > 0 ? (total / 2 - below) / count : 0;
      return 1 + ((bin + within) / counts.length) * (high - 1);
    }
    below += count;
  }
  return high;
}

export function drawHistogram(
  pen: Pen,
  width: number,
  height: number,
  histogram: Histogram | null,
  palette: Palette,
): void {
  const base = height - FOOT;
  if (histogram !== null) drawBars(pen, width, base, histogram, palette);
  pen.fillStyle = palette.line2;
  pen.fillRect(BARS_LEFT, base, width - BARS_LEFT - 1, 1);
  pen.fillRect(0, base, SILENT_WIDTH + 4, 1);
  if (histogram !== null) drawLabels(pen, width, base, histogram, palette);
}

function drawBars(pen: Pen, width: number, base: number, histogram: Histogram, palette: Palette): void {
  const { bars, silent } = histogram;
  const most = [silent, ...bars].reduce((high, bar) => Math.max(high, bar.now, bar.before ?? 0), 0);
  if (most === 0) return;
  const tall = (share: number) => (share / most) * (base - 4);
  const pitch = (width - BARS_LEFT) / bars.length;
  bars.forEach((bar, index) => {
    drawBar(pen, BARS_LEFT + index * pitch, Math.max(1, pitch - 1.5), base, bar.now, bar.before, tall, palette);
  });
  drawBar(pen, 2, SILENT_WIDTH, base, silent.now, silent.before, tall, palette);
}

/** More than before: a solid top. Fewer: hatched above the bar, so that it reads without colour. */
function drawBar(
  pen: Pen,
  x: number,
  width: number,
  base: number,
  now: number,
  before: number | null,
  tall: (share: number) => number,
  palette: Palette,
): void {
  const high = tall(now);
  const earlier = before === null ? high : tall(before);
  const common = Math.min(high, earlier);
  pen.fillStyle = palette.bar;
  pen.fillRect(x, base - common, width, common);
  if (high - earlier > 0.5) {
    pen.fillStyle = palette.up;
    pen.fillRect(x, base - high, width, high - earlier);
  } else if (earlier - high > 0.5) {
    hatch(pen, x, base - earlier, width, earlier - high, palette.down);
  }
}

function hatch(pen: Pen, x: number, y: number, width: number, height: number, colour: string): void {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.85;
  pen.beginPath();
  // Lines x + y = sum, cut to the rectangle.
  for (let sum = 3.5; sum < width + height; sum += 3.5) {
    pen.moveTo(x + Math.max(0, sum - height), y + Math.min(height, sum));
    pen.lineTo(x + Math.min(width, sum), y + Math.max(0, sum - width));
  }
  pen.stroke();
  pen.globalAlpha = 1;
  pen.strokeRect(x + 0.5, y + 0.5, width - 1, Math.max(0.5, height - 1));
}

function drawLabels(pen: Pen, width: number, base: number, histogram: Histogram, palette: Palette): void {
  const line = base + FOOT - 3;
  pen.fillStyle = palette.ink3;
  pen.font = `400 10px ${palette.font}`;
  pen.textBaseline = 'alphabetic';
  pen.textAlign = 'left';
  pen.fillText('∅', 4, line);
  pen.fillText('1', BARS_LEFT, line);
  pen.textAlign = 'right';
  const most = String(histogram.filters);
  pen.fillText(most, width - 1, line);
  if (histogram.median === null) return;
  const span = Math.max(1, histogram.filters - 1);
  const x = BARS_LEFT + Math.min(1, (histogram.median - 1) / span) * (width - BARS_LEFT - 1);
  pen.fillStyle = palette.ink2;
  pen.beginPath();
  pen.moveTo(x, base + 1.5);
  pen.lineTo(x - 3, base + 5);
  pen.lineTo(x + 3, base + 5);
  pen.closePath();
  pen.fill();
  // The number stands beside the mark where it would run into the ends' labels.
  const text = `median ${histogram.median.toFixed(1)}`;
  const half = text.length * 2.7;
  const left = Math.max(BARS_LEFT + 12 + half, Math.min(width - most.length * 6 - 8 - half, x));
  pen.textAlign = 'center';
  pen.fillText(text, left, base + FOOT - 1);
}
