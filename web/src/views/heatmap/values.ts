/** What the heatmap shows of each filter: over the window, or over the chosen instances. */

import type { Activations, LayerDetail } from '../../net/views';

/** A response counts as strong above this share of the filter's maximum (METHODS, T2). */
const STRONG = 0.5;
/** A filter whose maximum is below this share of the strongest filter's is weak. */
const WEAK = 0.05;
/** Codes of `LayerDetail.state`. */
const DEAD = 1;
const ALWAYS_ON = 2;
const WEAKENING = 3;

export type Mark = 'silent' | 'weak' | 'always_on' | 'weakening' | null;

export interface FilterValues {
  max: Float32Array;
  /** Share of instances above half of the filter's maximum in the window. */
  frequency: Float32Array;
  marks: Mark[];
  largestMax: number;
  largestFrequency: number;
  /** Instances that the values are of, where they are of chosen ones. */
  selected: number | null;
}

export function windowValues(detail: LayerDetail): FilterValues {
  const marks = Array.from({ length: detail.filters }, (_, filter): Mark => {
    const state = detail.state[filter];
    if (state === DEAD || detail.max[filter] === 0) return 'silent';
    if (state === ALWAYS_ON) return 'always_on';
    return state === WEAKENING ? 'weakening' : null;
  });
  return finished(detail.max, detail.frequency, marks, null);
}

/** The same over some rows of the map. A filter's maximum stays that of the window: strong means strong for it. */
export function selectedValues(detail: LayerDetail, activations: Activations, rows: Int32Array): FilterValues {
  const { filters, activation, scale } = activations;
  const strongest = new Uint8Array(filters);
  const strong = new Uint32Array(filters);
  const limit = Float32Array.from(scale, (full, filter) =>
    full > 0 ? (255 * STRONG * (detail.max[filter] ?? full)) / full : Infinity,
  );
  for (const row of rows) {
    for (let filter = 0; filter < filters; filter++) {
      const level = activation[row * filters + filter]!;
      if (level > strongest[filter]!) strongest[filter] = level;
      if (level > limit[filter]!) strong[filter]! += 1;
    }
  }
  const max = Float32Array.from(strongest, (level, filter) => (level / 255) * scale[filter]!);
  const frequency = Float32Array.from(strong, (count) => count / Math.max(1, rows.length));
  const marks = Array.from(max, (value): Mark => (value === 0 ? 'silent' : null));
  return finished(max, frequency, marks, rows.length);
}

function finished(max: Float32Array, frequency: Float32Array, marks: Mark[], selected: number | null): FilterValues {
  const largestMax = max.reduce((most, value) => Math.max(most, value), 0);
  const largestFrequency = frequency.reduce((most, value) => Math.max(most, value), 0);
  max.forEach((value, filter) => {
    if (marks[filter] === null && value < WEAK * largestMax) marks[filter] = 'weak';
  });
  return { max, frequency, marks, largestMax, largestFrequency, selected };
}

export function countMarks(marks: readonly Mark[], mark: Mark): number {
  return marks.reduce((count, other) => count + (other === mark ? 1 : 0), 0);
}

/** Filters in drawing order: by index, or sorted, maxima from the weakest, shares from the largest. */
export function filterOrder(values: Float32Array, sorted: boolean, ascending: boolean): number[] {
  const order = Array.from(values, (_, filter) => filter);
  if (!sorted) return order;
  return order.sort((a, b) => (ascending ? values[a]! - values[b]! : values[b]! - values[a]!) || a - b);
}
