/** Which hue a label has: its own among ten, or one of nine for the most frequent of many. */

import type { Rgb } from './color';
import { LABEL_HUES, type Theme } from './theme';

export interface LabelPalette {
  /** Hue of each label; -1 = drawn in `ink4` with all the others that have none. */
  readonly hue: Int32Array;
  /** Labels that have a hue of their own, ascending. */
  readonly coloured: readonly number[];
  /** Labels that share `ink4`. */
  readonly others: number;
}

/**
 * Gives hues to labels 0 … counts.length - 1, where `counts` says how often each occurs.
 * Up to ten labels keep their number's hue; of more, the nine most frequent have one (ties: the smaller label).
 */
export function labelPalette(counts: ArrayLike<number>): LabelPalette {
  const labels = Array.from({ length: counts.length }, (_, label) => label);
  const hue = new Int32Array(counts.length).fill(-1);
  if (labels.length <= LABEL_HUES) {
    labels.forEach((label) => (hue[label] = label));
    return { hue, coloured: labels, others: 0 };
  }
  const largest = labels.sort((a, b) => counts[b]! - counts[a]! || a - b).slice(0, LABEL_HUES - 1);
  largest.sort((a, b) => a - b).forEach((label, position) => (hue[label] = position));
  return { hue, coloured: largest, others: counts.length - largest.length };
}

/** The colour of a label; unlabelled (-1) and labels without a hue are `ink4`. */
export function labelColor(palette: LabelPalette, theme: Theme, label: number): Rgb {
  const hue = label < 0 ? -1 : (palette.hue[label] ?? -1);
  return hue < 0 ? theme.ink4 : theme.labels[hue]!;
}

/** How often each of `labels` labels occurs in `values`, each row counted `weights` times; -1 is left out. */
export function countLabels(values: ArrayLike<number>, labels: number, weights?: ArrayLike<number>): Float64Array {
  const counts = new Float64Array(labels);
  for (let row = 0; row < values.length; row++) {
    const label = values[row]!;
    if (label >= 0 && label < labels) counts[label]! += weights ? weights[row]! : 1;
  }
  return counts;
}
