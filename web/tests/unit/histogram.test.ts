import { describe, expect, it } from 'vitest';
import type { LayerSummary } from '../../src/wire';
import { histogramOf, medianOf } from '../../src/views/layers/histogram';

describe('the median perplexity', () => {
  it('lies in the middle of evenly spread instances', () => {
    expect(medianOf(new Array(50).fill(2), 101)).toBeCloseTo(51);
  });

  it('is unknown where nothing fired', () => {
    expect(medianOf(new Array(50).fill(0), 20)).toBeNull();
  });

  it('lies between 1 and 2 for one filter', () => {
    expect(medianOf([4, ...new Array(49).fill(0)], 1)).toBeCloseTo(1.01);
  });
});

describe('the histogram', () => {
  const counts = new Array<number>(50).fill(0);
  counts[0] = 30;
  counts[1] = 10;
  counts[49] = 40;
  const change = new Array<number>(50).fill(0);
  change[0] = 0.125;
  change[49] = -0.125;
  const summary = { counts, change, silent: 20 } as unknown as LayerSummary;

  it('shows shares of all instances, silent ones among them', () => {
    const histogram = histogramOf(summary, 20, 0.2);
    const sum = histogram.bars.reduce((total, bar) => total + bar.now, histogram.silent.now);
    expect(sum).toBeCloseTo(1);
    expect(histogram.silent).toEqual({ now: 0.2, before: 0.2 });
  });

  it('tells the window before from the change', () => {
    const histogram = histogramOf(summary, 20, 0.2);
    expect(histogram.bars[0]!.now).toBeCloseTo(0.4);
    expect(histogram.bars[0]!.before).toBeCloseTo(0.3);
    expect(histogram.bars[24]!.before! - histogram.bars[24]!.now).toBeCloseTo(0.1);
  });

  it('knows no window before the first', () => {
    const histogram = histogramOf({ ...summary, change: null }, 20, null);
    expect(histogram.bars.every((bar) => bar.before === null)).toBe(true);
  });
});
