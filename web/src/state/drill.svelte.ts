/** Maps of what was chosen in a map: each level is made of a choice in the one above, the first in the layer's own map. */

import { api } from '../net/http';
import { identityOf } from '../net/identity';
import { Latest } from '../net/latest';
import { decodeActivations, decodeInputMap, type Activations, type InputMap } from '../net/views';
import { selection } from './selection.svelte';

export interface Level {
  map: InputMap;
  activations: Activations;
  /** What was chosen in the map above. */
  chosen: ReadonlySet<number>;
}

/** Fewer instances are no map. */
export const FEWEST = 5;

class Drill {
  levels = $state.raw<readonly Level[]>([]);
  loading = $state(false);
  /** Why the last choice has no map of its own. */
  error = $state<string | null>(null);
  readonly #latest = new Latest();

  /** The level that is shown; `null` = the layer's own map. */
  get top(): Level | null {
    return this.levels.at(-1) ?? null;
  }

  /** Maps some rows of the map that is shown by themselves. */
  into(map: InputMap, rows: Int32Array): void {
    const chosen = new Set(Array.from(rows, (row) => map.keys[row]!));
    const items = Array.from(chosen, (key) => {
      const { input, row, column } = identityOf(key);
      return `${input}:${row}:${column}`;
    });
    const places = Array.from(rows, (row): [number, number] => [map.position[2 * row]!, map.position[2 * row + 1]!]);
    const request = { step: map.step, scale: map.scale, items, places };
    this.loading = true;
    this.error = null;
    this.#latest.request(async (signal) => {
      try {
        const frame = await api.drill(map.run, map.layer, request, signal);
        if (signal.aborted) return;
        const depth = this.levels.length + 1;
        const closer = { ...decodeInputMap(frame), depth };
        this.levels = [...this.levels, { map: closer, activations: decodeActivations(frame), chosen }];
        selection.chooseInstances(null);
      } catch (error) {
        if (!signal.aborted) this.error = error instanceof Error ? error.message : String(error);
      }
      if (!signal.aborted) this.loading = false;
    });
  }

  /** Back up to a level (0 = the layer's own map); what was chosen there is chosen again. */
  up(depth: number): void {
    const left = this.levels[depth];
    this.#latest.cancel();
    this.loading = false;
    this.error = null;
    if (left === undefined) return;
    this.levels = this.levels.slice(0, depth);
    selection.chooseInstances(left.chosen);
  }

  /** Another map takes the place of the one that was drilled into. */
  clear(): void {
    this.#latest.cancel();
    this.levels = [];
    this.loading = false;
    this.error = null;
  }
}

export const drill = new Drill();
