import { describe, expect, it } from 'vitest';
import type { Activations, LayerDetail } from '../../src/net/views';
import { cellAt, gridOf } from '../../src/views/heatmap/grid';
import { countMarks, filterOrder, selectedValues, windowValues } from '../../src/views/heatmap/values';

describe('the grid', () => {
  it('holds every filter inside its panel, from ten to ten thousand', () => {
    for (const count of [1, 9, 10, 20, 50, 99, 100, 500, 4096, 10_000]) {
      for (const [width, height] of [
        [138, 66],
        [172, 120],
        [700, 600],
      ] as const) {
        const grid = gridOf(count, width, height);
        expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
        expect(grid.rows * grid.pitch).toBeLessThanOrEqual(height + 1e-6);
        expect(Math.min(count, grid.columns) * grid.pitch).toBeLessThanOrEqual(width + 1e-6);
        expect(grid.cell).toBeGreaterThan(0);
      }
    }
  });

  it('finds each filter at its cell', () => {
    const grid = gridOf(500, 172, 120);
    for (let cell = 0; cell < 500; cell++) {
      const x = (cell % grid.columns) * grid.pitch + grid.cell / 2;
      const y = Math.floor(cell / grid.columns) * grid.pitch + grid.cell / 2;
      expect(cellAt(grid, 500, x, y)).toBe(cell);
    }
    expect(cellAt(grid, 500, -1, 0)).toBe(-1);
    expect(cellAt(grid, 500, 0, 1e4)).toBe(-1);
  });
});

const detail = {
  filters: 4,
  max: Float32Array.of(2, 0, 10, 0.1),
  frequency: Float32Array.of(0.5, 0, 0.25, 0.1),
  state: Uint8Array.of(0, 1, 2, 0),
} as unknown as LayerDetail;

describe('the values', () => {
  it('of a window say what is silent, weak and always on', () => {
    expect(windowValues(detail).marks).toEqual([null, 'silent', 'always_on', 'weak']);
    expect(countMarks(windowValues(detail).marks, 'weak')).toBe(1);
  });

  it('of chosen rows are those rows’ maxima, and shares above half of the window’s', () => {
    const activations = {
      filters: 4,
      count: 3,
      activation: Uint8Array.of(255, 0, 51, 0, 128, 0, 255, 0, 64, 0, 0, 0),
      scale: Float32Array.of(2, 0, 10, 0.1),
    } as unknown as Activations;
    const values = selectedValues(detail, activations, Int32Array.of(0, 2));
    expect([...values.max]).toEqual([2, 0, 2, 0]);
    expect([...values.frequency]).toEqual([0.5, 0, 0, 0]);
    expect(values.selected).toBe(2);
  });

  it('sort each mode by itself, equal ones by index', () => {
    const numbers = Float32Array.of(3, 1, 3, 2);
    expect(filterOrder(numbers, true, true)).toEqual([1, 3, 0, 2]);
    expect(filterOrder(numbers, true, false)).toEqual([0, 2, 3, 1]);
    expect(filterOrder(numbers, false, true)).toEqual([0, 1, 2, 3]);
  });
});
