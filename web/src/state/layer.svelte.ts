/** The chosen layer's data at the step that is shown. */

import type { Frame } from '../net/frame';
import { api, RequestError, type LayerFrameName } from '../net/http';
import { Latest } from '../net/latest';
import {
  decodeActivations,
  decodeFilterMap,
  decodeInputMap,
  decodeLayer,
  type Activations,
  type FilterMap,
  type InputMap,
  type LayerDetail,
} from '../net/views';
import { drill } from './drill.svelte';
import { selection } from './selection.svelte';

interface Placed {
  run: string;
  layer: number;
  step: number;
}

/** Whether a frame holds a map as it is known already. */
function sameMap(frame: Frame, known: FilterMap | InputMap): boolean {
  return frame.meta['iterations'] === known.iterations && frame.meta['settled'] === known.settled;
}

/** Data of one view: the last picture stays until the next is there. */
export class Resource<T extends Placed> {
  value = $state.raw<T | null>(null);
  loading = $state(false);
  /** Why the last request failed; what is shown is older then. */
  error = $state<string | null>(null);
  /** The server has nothing for this step (the first window is still open, or no map is stored). */
  missing = $state(false);
  readonly #latest = new Latest();
  #again: (() => void) | null = null;

  constructor(
    readonly name: LayerFrameName,
    readonly decode: (frame: Frame, before: T | null) => T,
    /** Whether a frame of the same step holds nothing new. */
    readonly same: (frame: Frame, known: T) => boolean,
  ) {}

  load(run: string, layer: number, at: number | null): void {
    this.#again = () => this.load(run, layer, at);
    this.loading = true;
    this.#latest.request(async (signal) => {
      try {
        const frame = await api.layerFrame(run, layer, this.name, at, signal);
        if (signal.aborted) return;
        this.#set(this.decode(frame, this.value));
      } catch (error) {
        if (!signal.aborted) this.#fail(error);
      }
    });
  }

  /** A frame that came by itself; a request under way is older. */
  take(frame: Frame): void {
    this.#latest.cancel();
    const known = this.value;
    const sameStep = known?.run === frame.run && known.layer === frame.layer && known.step === frame.step;
    // A new subscription begins with what is there already.
    if (sameStep && this.same(frame, known)) {
      this.loading = false;
      return;
    }
    try {
      this.#set(this.decode(frame, known));
    } catch (error) {
      this.#fail(error);
    }
  }

  retry(): void {
    this.#again?.();
  }

  clear(): void {
    this.#latest.cancel();
    this.#again = null;
    this.value = null;
    this.loading = false;
    this.error = null;
    this.missing = false;
  }

  #set(value: T): void {
    this.value = value;
    this.loading = false;
    this.error = null;
    this.missing = false;
  }

  #fail(error: unknown): void {
    this.loading = false;
    const status = error instanceof RequestError ? error.status : -1;
    this.missing = status === 404;
    // Without an answer the banner speaks for all views.
    this.error = status === 404 || status === 0 ? null : error instanceof Error ? error.message : String(error);
  }
}

class LayerData {
  readonly detail = new Resource<LayerDetail>('detail', decodeLayer, () => false);
  readonly filterMap = new Resource<FilterMap>('filter_map', decodeFilterMap, sameMap);
  readonly inputMap = new Resource<InputMap>('input_map', decodeInputMap, sameMap);
  readonly activations = new Resource<Activations>('activations', decodeActivations, () => true);

  #loaded = '';

  /** The map to draw: the layer's, or one of what was chosen in it. */
  get map(): InputMap | null {
    return drill.top?.map ?? this.inputMap.value;
  }

  /** Activations whose rows are those of `map`, else `null`. */
  get mapActivations(): Activations | null {
    if (drill.top !== null) return drill.top.activations;
    const map = this.inputMap.value;
    const activations = this.activations.value;
    if (map === null || activations === null) return null;
    return activations.step === map.step && activations.count === map.count ? activations : null;
  }

  readonly #selectedRows = $derived.by(() => {
    const map = this.map;
    if (selection.instances === null || map === null) return null;
    const rows: number[] = [];
    for (const key of selection.instances) {
      const row = map.rowOf.get(key);
      if (row !== undefined) rows.push(row);
    }
    return Int32Array.from(rows).sort();
  });

  /** Rows of `map` that are chosen, ascending; `null` where nothing is. */
  get selectedRows(): Int32Array | null {
    return this.#selectedRows;
  }

  /** Whether any view needs every instance's activations now. */
  get needsActivations(): boolean {
    return selection.overlay === 'filter' || selection.filter !== null || selection.instances !== null;
  }

  load(run: string, layer: number, at: number | null): void {
    const loaded = `${run}/${layer}/${at ?? ''}`;
    if (loaded !== this.#loaded) drill.clear();
    this.#loaded = loaded;
    this.detail.load(run, layer, at);
    this.inputMap.load(run, layer, at);
    this.filterMap.load(run, layer, at);
    if (this.needsActivations) this.activations.load(run, layer, at);
  }

  /** Takes a live frame of the chosen layer. */
  take(frame: Frame): void {
    if (frame.kind === 'layer') this.detail.take(frame);
    else if (frame.kind === 'filter_map') this.filterMap.take(frame);
    else if (frame.kind === 'input_map') this.inputMap.take(frame);
    else if (frame.kind === 'activations') this.activations.take(frame);
  }

  clear(): void {
    drill.clear();
    for (const resource of [this.detail, this.filterMap, this.inputMap, this.activations]) resource.clear();
  }
}

export const layerData = new LayerData();
