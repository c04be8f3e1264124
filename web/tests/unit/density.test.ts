import { describe, expect, it } from 'vitest';
import { densityContours, type Contour } from '../../src/lib/density';
import { insidePolygon } from '../../src/render/polygon';

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Round crowds of `n` points each, the same places at every call. */
function crowds(n: number, centres: readonly (readonly [number, number])[]): Float32Array {
  const next = random(3);
  const normal = () => next() + next() + next() + next() - 2;
  return Float32Array.from(
    centres.flatMap(([x, y]) => Array.from({ length: n }, () => [x + normal(), y + normal()]).flat()),
  );
}

/** Whether a place is inside of an odd number of outlines: holes are outlines, too. */
function inside({ rings }: Contour, x: number, y: number): boolean {
  return rings.filter((ring) => insidePolygon(ring, x, y)).length % 2 === 1;
}

function held(contour: Contour, position: Float32Array, rows: readonly number[]): number {
  return rows.filter((row) => inside(contour, position[2 * row]!, position[2 * row + 1]!)).length / rows.length;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe('density', () => {
  it('draws contours that hold the shares that they are of', () => {
    const position = crowds(400, [
      [0, 0],
      [3, 9],
    ]);
    const group = Int32Array.from({ length: 800 }, (_, row) => row % 2);
    const found = densityContours(position, group, [0.25, 0.5, 0.75]);
    expect(found.map(({ group: own, share }) => [own, share])).toEqual([
      [0, 0.75],
      [0, 0.5],
      [0, 0.25],
      [1, 0.75],
      [1, 0.5],
      [1, 0.25],
    ]);
    for (const contour of found) {
      const rows = range(0, 800).filter((row) => group[row] === contour.group);
      expect(Math.abs(held(contour, position, rows) - contour.share)).toBeLessThan(0.03);
    }
  });

  it('keeps crowds that lie apart apart', () => {
    const position = crowds(200, [
      [0, 0],
      [30, 4],
    ]);
    const both = densityContours(position, new Int32Array(400), [0.75])[0]!;
    expect(both.rings).toHaveLength(2);
    expect(inside(both, 15, 2)).toBe(false);
    const [one] = densityContours(
      position,
      Int32Array.from({ length: 400 }, (_, row) => (row < 200 ? 0 : -1)),
      [0.75],
    );
    expect(held(one!, position, range(200, 400))).toBe(0);
  });

  it('closes every outline, at the rim of the map as well', () => {
    const position = Float32Array.from(range(0, 60).flatMap((row) => [row < 30 ? 0 : 10, row % 30]));
    const [all] = densityContours(position, new Int32Array(60), [1]);
    expect(held(all!, position, range(0, 60))).toBe(1);
    for (const ring of all!.rings) expect([ring.at(-2), ring.at(-1)]).toEqual([ring[0], ring[1]]);
  });

  it('has nothing to say of a few points, or of those that have no place', () => {
    expect(densityContours(crowds(5, [[0, 0]]), new Int32Array(5), [0.5])).toEqual([]);
    expect(densityContours(new Float32Array(40).fill(Number.NaN), new Int32Array(20), [0.5])).toEqual([]);
    expect(densityContours(new Float32Array(), new Int32Array(), [0.5])).toEqual([]);
  });
});
