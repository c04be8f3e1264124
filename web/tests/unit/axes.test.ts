import { describe, expect, it } from 'vitest';
import { linear, logarithmic, lossTicks, spaced, stepTicks } from '../../src/lib/axes';

describe('scales', () => {
  it('lead back', () => {
    const scale = linear(0, 600, 52, 900);
    for (const step of [0, 17, 600]) expect(scale.inverse(scale.at(step))).toBeCloseTo(step);
  });

  it('hold what is beyond a logarithmic axis at its end', () => {
    const scale = logarithmic(0.1, 10, 100, 0);
    expect(scale.at(0)).toBe(100);
    expect(scale.at(1)).toBeCloseTo(50);
    expect(scale.at(1e9)).toBeCloseTo(0);
  });
});

describe('ticks', () => {
  it('are whole round steps', () => {
    expect(stepTicks(600, 800, 90)).toEqual([0, 100, 200, 300, 400, 500, 600]);
    expect(stepTicks(3, 800, 90)).toEqual([0, 1, 2, 3]);
  });

  it('of losses are powers of ten where there is little room, and more where there is', () => {
    expect(lossTicks(0.05, 2.5, 30)).toEqual([0.1, 1]);
    expect(lossTicks(0.05, 2.5, 60)).toEqual([0.1, 0.3, 1]);
    expect(lossTicks(0.5, 2.5, 30)).toEqual([1]);
    expect(lossTicks(0.2, 0.9, 30)).toEqual([0.2, 0.5]);
    expect(lossTicks(0.05, 2.5, 200)).toEqual([0.05, 0.1, 0.2, 0.5, 1, 2]);
  });

  it('keep their distance, the first before the others', () => {
    expect(spaced([0, 1, 2, 20], linear(0, 20, 0, 20), 5)).toEqual([0, 20]);
  });
});
