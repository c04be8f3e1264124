import { describe, expect, it } from 'vitest';
import { appended, emptySeries, indexAt, MOST_POINTS, type Series } from '../../src/lib/series';

function part(from: number, to: number, loss = (step: number) => 1 / step) {
  const step = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return {
    step,
    loss: step.map(loss),
    train_accuracy: step.map(() => 0.5),
    validations: { step: [to], accuracy: [0.9], loss: [0.1] },
  };
}

describe('a series', () => {
  it('is the same in one part or in many', () => {
    const whole = appended(emptySeries(), part(1, 300));
    let joined: Series = emptySeries();
    for (let step = 1; step <= 300; step += 25) joined = appended(joined, part(step, step + 24));
    expect(joined.step).toEqual(whole.step);
    expect(joined.smoothLoss).toEqual(whole.smoothLoss);
  });

  it('leaves out what it has already', () => {
    const once = appended(emptySeries(), part(1, 40));
    const twice = appended(once, part(20, 50));
    expect(twice.step).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(twice.validations.step).toEqual([40, 50]);
  });

  it('stays bounded over a day of updates and keeps its extremes', () => {
    let series = emptySeries();
    const peak = (step: number) => (step === 123_457 ? 99 : 1);
    for (let step = 1; step <= 300_000; step += 100) series = appended(series, part(step, step + 99, peak));
    expect(series.step.length).toBeLessThanOrEqual(MOST_POINTS + 100);
    expect(series.validations.step.length).toBeLessThanOrEqual(MOST_POINTS);
    expect(Math.max(...series.loss)).toBe(99);
    expect(series.step.at(-1)).toBe(300_000);
    expect(series.step).toEqual([...series.step].sort((a, b) => a - b));
  });

  it('carries its average over values that are not finite', () => {
    const series = appended(emptySeries(), { ...part(1, 3), loss: [1, null, 1] });
    expect(series.smoothLoss).toEqual([1, 1, 1]);
    expect(series.loss[1]).toBeNaN();
  });
});

describe('indexAt', () => {
  it('finds the last step at or before another', () => {
    const steps = [20, 40, 60];
    expect([0, 19, 20, 39, 40, 60, 99].map((step) => indexAt(steps, step))).toEqual([-1, -1, 0, 0, 1, 2, 2]);
  });
});
