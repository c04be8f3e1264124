import { describe, expect, it } from 'vitest';
import { PointIndex } from '../../src/render/point-index';
import { insidePolygon } from '../../src/render/polygon';

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Points of several shapes: spread, in crowds, on a line, some not finite. */
function cloud(seed: number, count: number): Float32Array {
  const next = random(seed);
  const points = new Float32Array(2 * count);
  for (let row = 0; row < count; row++) {
    const crowd = seed % 3 === 0 ? Math.floor(next() * 5) * 10 : 0;
    points[2 * row] = crowd + next() * 8;
    points[2 * row + 1] = seed % 4 === 0 ? 1 : crowd + next() * 3;
    if (next() < 0.02) points[2 * row] = Number.NaN;
  }
  return points;
}

const rows = (points: Float32Array) => Array.from({ length: points.length / 2 }, (_, row) => row);

describe('the point index', () => {
  it('finds the nearest point that a search through all finds', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const points = cloud(seed, 1 + seed * 23);
      const index = new PointIndex(points);
      const next = random(seed + 1000);
      for (let query = 0; query < 20; query++) {
        const [x, y] = [next() * 50, next() * 50];
        const [reachX, reachY] = [0.5 + next() * 6, 0.5 + next() * 6];
        let best = -1;
        let least = 1;
        for (const row of rows(points)) {
          const d = ((points[2 * row]! - x) / reachX) ** 2 + ((points[2 * row + 1]! - y) / reachY) ** 2;
          if (d < least || (d === least && best < 0)) {
            least = d;
            best = row;
          }
        }
        expect(index.nearest(x, y, reachX, reachY)).toBe(best);
      }
    }
  });

  it('finds what lies in a polygon as testing every point does', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const points = cloud(seed, seed * 41);
      const index = new PointIndex(points);
      const next = random(seed + 77);
      const polygon = Array.from({ length: 2 * (3 + (seed % 9)) }, () => next() * 45 - 2);
      const expected = rows(points).filter((row) => insidePolygon(polygon, points[2 * row]!, points[2 * row + 1]!));
      expect([...index.inPolygon(polygon)]).toEqual(expected);
    }
  });

  it('finds what lies in a box', () => {
    const points = cloud(6, 500);
    const box = [3, 0.5, 24, 21] as const;
    const expected = rows(points).filter((row) => {
      const [x, y] = [points[2 * row]!, points[2 * row + 1]!];
      return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
    });
    expect([...new PointIndex(points).inBox(...box)]).toEqual(expected);
  });

  it('holds nothing without points', () => {
    const index = new PointIndex(new Float32Array());
    expect(index.nearest(0, 0, 5, 5)).toBe(-1);
    expect([...index.inPolygon([0, 0, 1, 0, 1, 1])]).toEqual([]);
  });
});
