/** Pixels of instances and inputs: asked for together, kept for a while, never twice at once. */

import { api } from './http';
import { decodePatches } from './views';

/** Pixels as the input has them. */
export interface Patch {
  height: number;
  width: number;
  channels: number;
  /** `[height, width, channels]`. */
  pixels: Uint8Array;
  /** 1 where a pixel lies inside of the input; absent = everywhere. */
  inside: Uint8Array | null;
}

/** Where an instance is: the input and the place in the layer's grid. */
export interface PatchPlace {
  input: number;
  row: number;
  column: number;
}

/** Patches that are kept; the oldest go first. */
const MOST_KEPT = 4096;
/** Instances that the server takes in one request. */
const MOST_ASKED = 256;

class Patches {
  readonly #kept = new Map<string, Promise<Patch | null>>();

  /** Patches of a layer's instances, in their order; `null` where the pixels are not kept. */
  of(run: string, layer: number, places: readonly PatchPlace[]): Promise<(Patch | null)[]> {
    const missing: string[] = [];
    const names = places.map(({ input, row, column }) => `${input}:${row}:${column}`);
    for (const name of new Set(names)) {
      if (!this.#kept.has(`${run}/${layer}/${name}`)) missing.push(name);
    }
    for (let start = 0; start < missing.length; start += MOST_ASKED) {
      this.#ask(run, layer, missing.slice(start, start + MOST_ASKED));
    }
    return Promise.all(names.map((name) => this.#kept.get(`${run}/${layer}/${name}`) ?? null));
  }

  /** A whole input. */
  async input(run: string, input: number): Promise<Patch | null> {
    const key = `${run}/input/${input}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const asked = api.input(run, input).then(
      (frame) => split(frame, 0),
      () => null,
    );
    this.#keep(key, asked);
    return asked;
  }

  #ask(run: string, layer: number, names: string[]): void {
    const asked = api.patches(run, layer, null, names).catch(() => null);
    names.forEach((name, index) => {
      const key = `${run}/${layer}/${name}`;
      const patch = asked.then((frame) => {
        // A request that failed is asked again the next time.
        if (frame === null) this.#kept.delete(key);
        return frame === null ? null : split(frame, index);
      });
      this.#keep(key, patch);
    });
  }

  #keep(key: string, patch: Promise<Patch | null>): void {
    this.#kept.set(key, patch);
    if (this.#kept.size <= MOST_KEPT) return;
    const oldest = this.#kept.keys().next().value;
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}

type Frame = Awaited<ReturnType<typeof api.input>>;

function split(frame: Frame, index: number): Patch | null {
  const { height, width, channels, pixels } = decodePatches(frame);
  const known = frame.arrays.get('known')?.values[index];
  if (known === 0) return null;
  const size = height * width;
  const inside = frame.arrays.get('inside')?.values;
  return {
    height,
    width,
    channels,
    pixels: pixels.slice(index * size * channels, (index + 1) * size * channels),
    inside: inside instanceof Uint8Array ? inside.slice(index * size, (index + 1) * size) : null,
  };
}

export const patches = new Patches();
