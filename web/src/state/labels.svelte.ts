/** Labels: their names and colours. Ten colours; of more labels the nine largest have one and the rest are grey. */

import { layerData } from './layer.svelte';
import { run } from './run.svelte';
import { settings } from './settings.svelte';

const COLOURS = 10;

class Labels {
  /** Colour index of each label, -1 = grey. */
  readonly #slots = $derived.by(() => {
    const count = this.count;
    if (count <= COLOURS) return Array.from({ length: count }, (_, label) => label);
    const slots = new Array<number>(count).fill(-1);
    const largest = [...this.#sizes.keys()].sort((a, b) => this.#sizes[b]! - this.#sizes[a]! || a - b);
    largest.slice(0, COLOURS - 1).forEach((label, slot) => (slots[label] = slot));
    return slots;
  });

  /** Instances of each label in the map. */
  readonly #sizes = $derived.by(() => {
    const sizes = new Array<number>(this.count).fill(0);
    const map = layerData.inputMap.value;
    if (map === null) return sizes;
    for (let row = 0; row < map.count; row++) {
      const label = map.label[row]!;
      if (label >= 0 && label < sizes.length) sizes[label]! += map.multiplicity[row]!;
    }
    return sizes;
  });

  get count(): number {
    return run.classes.length;
  }

  name(label: number): string {
    return label < 0 ? 'unlabelled' : (run.classes[label] ?? String(label));
  }

  /** A CSS colour; grey for the unlabelled and for those beyond the palette. */
  colour(label: number): string {
    const slot = label < 0 ? -1 : (this.#slots[label] ?? -1);
    return slot < 0 ? settings.palette.ink4 : (settings.palette.labels[slot] ?? settings.palette.ink4);
  }

  /** Whether a label has a colour of its own. */
  coloured(label: number): boolean {
    return (this.#slots[label] ?? -1) >= 0;
  }
}

export const labels = new Labels();
