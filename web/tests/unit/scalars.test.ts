import { describe, expect, it } from 'vitest';
import { linearTicks } from '../../src/lib/axes';
import { lineName, panelOf, tagsOf, valueAt, within } from '../../src/lib/scalars';
import type { TensorboardSeries } from '../../src/wire';
import { geometryOf } from '../../src/views/overview/geometry';

function series(folder: string, tag: string, step: number[], value: (number | null)[]): TensorboardSeries {
  return { folder, tag, step, value, wall_time: step, count: step.length, thinned: false };
}

const SERIES = [
  series('', 'loss', [0, 10], [1, 0.5]),
  series('a', 'accuracy', [-5, 0, 10, 90], [9, null, 0.5, 0.9]),
  series('b', 'accuracy', [10], [0.25]),
];

describe("TensorBoard's scalars", () => {
  it('are grouped by tag', () => {
    expect(tagsOf(SERIES)).toEqual([
      { tag: 'accuracy', folders: ['a', 'b'], points: 5 },
      { tag: 'loss', folders: [''], points: 2 },
    ]);
    const panel = panelOf(SERIES.slice(1))!;
    expect(panel.lines.map((line) => lineName(panel, line))).toEqual(['accuracy · a', 'accuracy · b']);
    expect(panelOf([])).toBeNull();
  });

  it('have the value of the last step so far', () => {
    const [line] = panelOf(SERIES)!.lines;
    expect([0, 9, 10, 1000].map((step) => valueAt(line!, step))).toEqual([1, 1, 0.5, 0.5]);
    expect(valueAt(panelOf(SERIES.slice(2))!.lines[0]!, 3)).toBeNaN();
  });

  it('are drawn as far as the time axis goes', () => {
    expect(within(panelOf(SERIES.slice(1))!.lines[0]!, 60)).toEqual({ step: [0, 10], value: [Number.NaN, 0.5] });
  });

  it('share the height with the curves of the run', () => {
    const box = geometryOf(900, 300, 100, 4, true, 2);
    const bands = [box.loss, box.accuracy!, ...box.scalars];
    const heights = bands.map(({ top, bottom }) => bottom - top);
    for (const height of heights) expect(height).toBeCloseTo(heights[0]!);
    bands.slice(1).forEach(({ top }, index) => expect(top - bands[index]!.bottom).toBeCloseTo(8));
    expect(box.lanes.top - bands.at(-1)!.bottom).toBeCloseTo(8);
  });
});

describe('ticks of values', () => {
  it('are round, and as many as there is room for', () => {
    expect(linearTicks(0.12, 0.93, 60, 20)).toEqual([0.5]);
    expect(linearTicks(-1, 1, 100, 25)).toEqual([-1, -0.5, 0, 0.5, 1]);
    expect(linearTicks(2, 2, 100, 25)).toEqual([]);
  });
});
