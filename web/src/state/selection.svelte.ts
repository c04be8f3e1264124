/** What is chosen: one place that every view reads and writes. All of it lives in the link. */

/** What the input map shows above its colours. */
export type Overlay = 'label' | 'max' | 'filter';
/** What the input map is coloured by. */
export type Colour = 'label' | 'prediction' | 'cluster';
/** The order of the activation heatmap. */
export type Order = 'index' | 'sorted';
/** The view that fills the window, if any. */
export type MaximisedView = 'overview' | 'input_map' | 'heatmap' | 'filter_map' | null;

/** So many of TensorBoard's scalars lie under the run's own curves at most. */
export const MOST_SCALARS = 4;
/** At most so many filters are shown side by side; of more, the largest activation of any is shown. */
export const MOST_FILTERS = 9;

class Selection {
  /** Index of the layer, `null` before a run is there. */
  layer = $state<number | null>(null);
  /** Chosen filters in the order of choosing; the first is the one that single-filter views show. */
  filters = $state.raw<readonly number[]>([]);
  /** Identities (`identityKey`) of the chosen instances, `null` for none. */
  instances = $state.raw<ReadonlySet<number> | null>(null);
  /** The step that is replayed; `null` follows the run. */
  step = $state<number | null>(null);
  overlay = $state<Overlay>('label');
  colour = $state<Colour>('label');
  order = $state<Order>('index');
  /** The one label that the maps show; `null` = all. */
  isolated = $state<number | null>(null);
  /** Tags of TensorBoard's scalars that are drawn beside the run's own, in the order of choosing. */
  scalars = $state.raw<readonly string[]>([]);
  /** Whether the input map shows where each colour is dense. */
  density = $state(false);
  maximised = $state<MaximisedView>(null);

  get filter(): number | null {
    return this.filters[0] ?? null;
  }

  /** Filter and instances belong to a layer: choosing another clears both. */
  chooseLayer(layer: number | null): void {
    if (layer === this.layer) return;
    this.layer = layer;
    this.filters = [];
    this.instances = null;
    this.isolated = null;
    if (this.overlay === 'filter') this.overlay = 'label';
  }

  /** Chooses one filter and shows where it fires; choosing it again lets it go. */
  chooseFilter(filter: number | null): void {
    const same = filter !== null && this.filters.length === 1 && this.filter === filter;
    this.filters = filter === null || same ? [] : [filter];
    this.#followFilters();
  }

  /** Adds a filter to the chosen ones or takes it out. */
  toggleFilter(filter: number): void {
    const rest = this.filters.filter((other) => other !== filter);
    this.filters = rest.length < this.filters.length ? rest : [...rest, filter];
    this.#followFilters();
  }

  chooseFilters(filters: readonly number[]): void {
    this.filters = [...filters];
    this.#followFilters();
  }

  chooseInstances(keys: Iterable<number> | null): void {
    const set = keys === null ? null : new Set(keys);
    this.instances = set !== null && set.size > 0 ? set : null;
  }

  /** Isolates a label; the same again restores all. */
  toggleLabel(label: number): void {
    this.isolated = this.isolated === label ? null : label;
  }

  /** Draws one of TensorBoard's scalars, or takes it away; there may be `MOST_SCALARS`. */
  toggleScalar(tag: string): void {
    const rest = this.scalars.filter((other) => other !== tag);
    if (rest.length < this.scalars.length) this.scalars = rest;
    else if (rest.length < MOST_SCALARS) this.scalars = [...rest, tag];
  }

  clear(): void {
    this.filters = [];
    this.instances = null;
    this.isolated = null;
    if (this.overlay === 'filter') this.overlay = 'label';
  }

  #followFilters(): void {
    if (this.filters.length > 0) this.overlay = 'filter';
    else if (this.overlay === 'filter') this.overlay = 'label';
  }
}

export const selection = new Selection();
