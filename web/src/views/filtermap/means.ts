/** What the filter map shows besides the places. */

import type { Activations, FilterMap } from '../../net/views';

/** Mean activation of each filter over some rows, in shares of the largest mean. */
export function meansOf(activations: Activations, rows: Int32Array): Float32Array {
  const { filters, activation, scale } = activations;
  const means = new Float32Array(filters);
  for (const row of rows) {
    for (let filter = 0; filter < filters; filter++) means[filter]! += activation[row * filters + filter]!;
  }
  let largest = 0;
  for (let filter = 0; filter < filters; filter++) {
    means[filter]! *= scale[filter]!;
    largest = Math.max(largest, means[filter]!);
  }
  return largest > 0 ? means.map((mean) => mean / largest) : means;
}

/** Places a share `mix` of the way from an earlier map; filters that it did not have are where they are. */
export function placesBetween(before: FilterMap, map: FilterMap, mix: number): Float32Array {
  const old = new Map<number, number>();
  before.filter.forEach((filter, index) => old.set(filter, index));
  const places = map.position.slice();
  map.filter.forEach((filter, index) => {
    const from = old.get(filter);
    if (from === undefined) return;
    for (const axis of [0, 1]) {
      const start = before.position[2 * from + axis]!;
      places[2 * index + axis] = start + (map.position[2 * index + axis]! - start) * mix;
    }
  });
  return places;
}
