/** Weights of a layer that reads the input: asked for once a checkpoint, kept for the few looked at last. */

import { arrayOf } from './frame';
import { api } from './http';

export interface Weights {
  /** The iteration of the checkpoint. */
  step: number;
  /** Filters, channels, height, width. */
  shape: readonly [number, number, number, number];
  values: Float32Array;
}

const MOST_KEPT = 8;
const kept = new Map<string, Promise<Weights | null>>();

/** A convolution's weights at or before an iteration; `null` where no checkpoint has them. `version` asks anew. */
export function weightsOf(
  run: string,
  layer: number,
  at: number | null,
  version: number | null,
): Promise<Weights | null> {
  const key = `${run}/${layer}/${at ?? ''}/${version ?? ''}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const asked = api.weights(run, layer, at).then(
    (frame) => {
      const [filters, channels, height, width] = frame.arrays.get('weight')?.shape ?? [];
      if (filters === undefined || channels === undefined || height === undefined || width === undefined) return null;
      return { step: frame.step, shape: [filters, channels, height, width], values: arrayOf(frame, 'weight', 'f32') };
    },
    () => null,
  ) as Promise<Weights | null>;
  kept.set(key, asked);
  const oldest = kept.keys().next().value;
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  return asked;
}
