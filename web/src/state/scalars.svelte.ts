/** TensorBoard's scalars beside the run: which there are, and the curves of those that are chosen. */

import { panelOf, tagsOf, type ScalarPanel, type ScalarTag } from '../lib/scalars';
import { api } from '../net/http';
import { Latest } from '../net/latest';
import { selection } from './selection.svelte';

/** A curve is drawn on about so many pixels. */
const POINTS = 1000;
/** Files that are written are looked at so often. */
const FOLLOW_MS = 5000;

class Scalars {
  /** What can be chosen; empty where the run has no event files. */
  tags = $state.raw<readonly ScalarTag[]>([]);
  /** Files that are not read to their end, and what was left out. */
  notes = $state.raw<readonly string[]>([]);
  #known = $state.raw<ReadonlyMap<string, ScalarPanel>>(new Map());
  readonly #latest = new Latest();
  #at = 0;

  /** The chosen panels, in the order of choosing; those that the run does not have are left out. */
  get panels(): ScalarPanel[] {
    return selection.scalars.flatMap((tag) => this.#known.get(tag) ?? []);
  }

  /** Whether a file that is written may hold more by now. */
  get due(): boolean {
    return Date.now() - this.#at >= FOLLOW_MS;
  }

  /** Asks what a run has, and for the chosen curves. */
  load(run: string, chosen: readonly string[]): void {
    this.#at = Date.now();
    this.#latest.request(async (signal) => {
      try {
        const [names, ...curves] = await Promise.all([
          api.tensorboard(run, null, 0, signal),
          ...chosen.map((tag) => api.tensorboard(run, tag, POINTS, signal)),
        ]);
        if (signal.aborted) return;
        this.tags = tagsOf(names.series);
        this.notes = names.notes;
        const panels = curves.flatMap(({ series }) => panelOf(series) ?? []);
        this.#known = new Map(panels.map((panel) => [panel.tag, panel]));
      } catch {
        // They stand beside the run: without an answer, what is known stays, and the next look asks again.
      }
    });
  }

  /** Forgets the run before. */
  reset(): void {
    this.#latest.cancel();
    this.tags = [];
    this.notes = [];
    this.#known = new Map();
  }
}

export const scalars = new Scalars();
