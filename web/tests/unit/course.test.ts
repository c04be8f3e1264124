import { describe, expect, it } from 'vitest';
import { MOST_WINDOWS, totalVariation, withOverview } from '../../src/lib/course';
import type { Course, LayerSummary } from '../../src/wire';

function overviewAt(to: number, stable: boolean) {
  const summary = {
    layer: 0,
    from: to - 19,
    to,
    instances: 100,
    silent: 25,
    change: [0.25, -0.25],
    mean: 3,
    drift: 0.1,
    noise: 0.01,
    stable,
  } as LayerSummary;
  return { step: to, at: null, layers: [summary] };
}

describe('the course', () => {
  it('takes each window once', () => {
    let course: Course = { layers: [], map_steps: [] };
    for (const to of [20, 40, 40, 20, 60]) course = withOverview(course, overviewAt(to, to === 60));
    expect(course.layers[0]).toMatchObject({
      step: [20, 40, 60],
      from: [1, 21, 41],
      change: [0.25, 0.25, 0.25],
      silent_share: [0.25, 0.25, 0.25],
      stable: [false, false, true],
    });
  });

  it('stays bounded and covers all of the time', () => {
    let course: Course = { layers: [], map_steps: [] };
    for (let to = 20; to <= 20 * 3 * MOST_WINDOWS; to += 20) course = withOverview(course, overviewAt(to, false));
    const layer = course.layers[0]!;
    expect(layer.step.length).toBeLessThanOrEqual(MOST_WINDOWS);
    expect(layer.from[0]).toBe(1);
    layer.from.slice(1).forEach((from, index) => expect(from).toBe(layer.step[index]! + 1));
  });
});

describe('total variation', () => {
  it('is half of the sum of absolute changes', () => {
    expect(totalVariation([0.5, -0.25, -0.25])).toBe(0.5);
    expect(totalVariation(null)).toBeNull();
  });
});
