import { describe, expect, it } from 'vitest';
import { totalVariation, withOverview } from '../../src/lib/course';
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
    const most = 9;
    let course: Course = { layers: [], map_steps: [] };
    for (let to = 20; to <= 20 * 12 * most; to += 20) {
      course = withOverview(course, overviewAt(to, false), most);
      const { step, from } = course.layers[0]!;
      expect(step.length).toBeLessThanOrEqual(most);
      expect(step.length).toBeGreaterThanOrEqual(Math.min(to / 20, most / 2));
      // One window after the other, from the first iteration to the last.
      expect(from).toEqual([1, ...step.slice(0, -1).map((end) => end + 1)]);
      expect(step.at(-1)).toBe(to);
    }
  });
});

describe('total variation', () => {
  it('is half of the sum of absolute changes', () => {
    expect(totalVariation([0.5, -0.25, -0.25])).toBe(0.5);
    expect(totalVariation(null)).toBeNull();
  });
});
