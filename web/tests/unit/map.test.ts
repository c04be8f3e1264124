import { describe, expect, it } from 'vitest';
import type { Activations, FilterMap, InputMap } from '../../src/net/views';
import { orderByLevel, scatteredOrder } from '../../src/render/order';
import { PointIndex } from '../../src/render/point-index';
import { fit, mapX, mapY, NO_ZOOM, screenX, screenY, withZoom, zoomAt } from '../../src/render/transform';
import { meansOf, placesBetween } from '../../src/views/filtermap/means';
import { badgesOf } from '../../src/views/inputmap/badges';
import { clustersOf } from '../../src/views/inputmap/clusters';
import { filterLevels, largestLevels } from '../../src/views/inputmap/style';
import { nearestOf, topRows } from '../../src/views/inspector/top';

/** Crowds of points, one a label, with a few strangers in each. */
function crowds(labels: number, each: number, strangers: number): InputMap {
  const count = labels * each;
  const position = new Float32Array(2 * count);
  const label = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    const crowd = row % labels;
    const turn = Math.floor(row / labels);
    position[2 * row] = 10 * crowd + Math.cos(turn * 2.4) * Math.sqrt(turn / each);
    position[2 * row + 1] = Math.sin(turn * 2.4) * Math.sqrt(turn / each);
    label[row] = turn < strangers ? (crowd + 1) % labels : crowd;
  }
  return { count, position, label } as unknown as InputMap;
}

describe('badges', () => {
  it('stand in crowds that are mostly of one label', () => {
    const map = crowds(4, 60, 6);
    const badges = badgesOf(map, new PointIndex(map.position), 4);
    expect(badges.map((badge) => badge.label)).toEqual([0, 1, 2, 3]);
    for (const badge of badges) expect(badge.row % 4).toBe(badge.label);
  });

  it('stand nowhere where labels are mixed', () => {
    const map = crowds(4, 60, 0);
    map.label.forEach((_, row) => (map.label[row] = Math.floor(row / 4) % 4));
    expect(badgesOf(map, new PointIndex(map.position), 4)).toEqual([]);
  });
});

describe('clusters', () => {
  it('are the crowds, the same at every call', () => {
    const map = crowds(5, 40, 0);
    const groups = clustersOf(map.position, 5);
    for (let row = 5; row < map.count; row++) expect(groups[row]).toBe(groups[row % 5]);
    expect(new Set(groups).size).toBe(5);
    expect(clustersOf(map.position, 5)).toEqual(groups);
  });

  it('leave out what has no place', () => {
    expect([...clustersOf(Float32Array.of(Number.NaN, 0, 1, 1), 3)]).toEqual([-1, 0]);
  });
});

describe('drawing orders', () => {
  it('put the strongest last and leave out the faint', () => {
    const levels = Uint8Array.of(9, 200, 0, 9, 255);
    expect([...orderByLevel(levels, 6)]).toEqual([0, 3, 1, 4]);
    expect(orderByLevel(levels)).toHaveLength(5);
  });

  it('hold every row once', () => {
    expect([...scatteredOrder(1000)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, row) => row));
  });
});

describe('the view', () => {
  const size = { width: 400, height: 300 };
  const fitted = fit({ minX: -2, minY: 0, maxX: 6, maxY: 4 }, size, { left: 10, right: 10, top: 10, bottom: 10 });

  it('shows all of the map', () => {
    for (const [x, y] of [
      [-2, 0],
      [6, 4],
    ] as const) {
      expect(screenX(fitted, x)).toBeGreaterThanOrEqual(10 - 1e-6);
      expect(screenX(fitted, x)).toBeLessThanOrEqual(390 + 1e-6);
      expect(screenY(fitted, y)).toBeGreaterThanOrEqual(10 - 1e-6);
      expect(screenY(fitted, y)).toBeLessThanOrEqual(290 + 1e-6);
    }
  });

  it('keeps what is under the pointer there while it zooms', () => {
    const zoomed = withZoom(fitted, zoomAt(NO_ZOOM, 3, 120, 80, size), size);
    expect(mapX(zoomed, 120)).toBeCloseTo(mapX(fitted, 120));
    expect(mapY(zoomed, 80)).toBeCloseTo(mapY(fitted, 80));
  });
});

describe('the inspector', () => {
  const map = { count: 3 } as unknown as InputMap;
  const activations = {
    count: 3,
    filters: 2,
    activation: Uint8Array.of(10, 0, 200, 0, 200, 7),
    scale: Float32Array.of(1, 2),
  } as unknown as Activations;

  it('shows what a filter answers to most', () => {
    expect(topRows(map, activations, 0, 2)).toEqual([1, 2]);
    expect(topRows(map, activations, 1, 9)).toEqual([2]);
    expect(topRows(map, activations, 0, 9, Int32Array.of(0))).toEqual([0]);
  });

  it('knows the filter that is most alike', () => {
    const link = Uint32Array.of(4, 7, 7, 9);
    const values = Float32Array.of(0.95, 0.8);
    expect(nearestOf(link, values, 7)).toMatchObject({ filter: 4 });
    expect(nearestOf(link, values, 9)).toMatchObject({ filter: 7 });
    expect(nearestOf(link, values, 1)).toBeNull();
  });

  it('compares filters by their mean over a choice', () => {
    const means = meansOf(activations, Int32Array.of(1, 2));
    expect(means[0]).toBe(1);
    expect(means[1]).toBeCloseTo((7 * 2) / 400);
  });
});

describe('filters on the way', () => {
  it('move from where they were; new ones are where they are', () => {
    const before = { filter: Uint32Array.of(3, 5), position: Float32Array.of(0, 0, 4, 4) } as unknown as FilterMap;
    const after = { filter: Uint32Array.of(5, 8), position: Float32Array.of(8, 8, 1, 1) } as unknown as FilterMap;
    expect([...placesBetween(before, after, 0.5)]).toEqual([6, 6, 1, 1]);
  });
});

describe('several filters', () => {
  it('are shown by the largest of their activations', () => {
    const activations = {
      count: 2,
      filters: 3,
      activation: Uint8Array.of(9, 0, 4, 1, 7, 200),
    } as unknown as Activations;
    expect([...largestLevels(activations, [0, 1])]).toEqual([9, 7]);
    expect([...largestLevels(activations, [2])]).toEqual([...filterLevels(activations, 2)]);
  });
});
