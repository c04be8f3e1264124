/** Instances that a filter answers to most. */

import type { PatchPlace } from '../../net/patches';
import type { Activations, InputMap } from '../../net/views';

/** Rows with the largest activation of a filter, the largest first; rows without any are left out. */
export function topRows(
  map: InputMap,
  activations: Activations,
  filter: number,
  most: number,
  among?: Int32Array,
): number[] {
  const level = (row: number) => activations.activation[row * activations.filters + filter]!;
  const rows = among ? [...among] : Array.from({ length: Math.min(map.count, activations.count) }, (_, row) => row);
  return rows
    .filter((row) => level(row) > 0)
    .sort((a, b) => level(b) - level(a) || a - b)
    .slice(0, most);
}

export function placeOf(map: InputMap, row: number): PatchPlace {
  return { input: map.input[row]!, row: map.place[2 * row]!, column: map.place[2 * row + 1]! };
}

/** The filter that is most like another, among those that are joined to it. */
export function nearestOf(
  link: Uint32Array,
  linkValue: Float32Array,
  filter: number,
): { filter: number; value: number } | null {
  for (let index = 0; index < linkValue.length; index++) {
    const one = link[2 * index]!;
    const other = link[2 * index + 1]!;
    if (one === filter) return { filter: other, value: linkValue[index]! };
    if (other === filter) return { filter: one, value: linkValue[index]! };
  }
  return null;
}
