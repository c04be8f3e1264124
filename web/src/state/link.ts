/** The address's fragment: all that is needed to see the same view again. */

import { packKeys, unpackKeys } from '../net/identity';
import { MOST_SCALARS, type Colour, type MaximisedView, type Order, type Overlay } from './selection.svelte';

export interface Link {
  run: string | null;
  /** The layer's name. */
  layer: string | null;
  step: number | null;
  filters: number[];
  instances: ReadonlySet<number> | null;
  overlay: Overlay;
  colour: Colour;
  order: Order;
  label: number | null;
  /** Tags of TensorBoard's scalars. */
  scalars: readonly string[];
  /** Whether the input map shows where each colour is dense. */
  density: boolean;
  view: MaximisedView;
}

/** Larger selections would make addresses that mail and chat programs cut off. */
const MOST_INSTANCES = 2000;
const MOST_FILTERS = 500;

const OVERLAYS: readonly Overlay[] = ['label', 'max', 'filter'];
const COLOURS: readonly Colour[] = ['label', 'prediction', 'cluster'];
const ORDERS: readonly Order[] = ['index', 'sorted'];
const VIEWS: readonly MaximisedView[] = ['overview', 'input_map', 'heatmap', 'filter_map'];

export function writeLink(link: Link): string {
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | null, usual: string | null = null) => {
    if (value !== null && value !== usual) query.set(name, String(value));
  };
  set('run', link.run);
  set('layer', link.layer);
  set('step', link.step);
  const { filters } = link;
  set('filters', filters.length > 0 && filters.length <= MOST_FILTERS ? filters.join('.') : null);
  set('overlay', link.overlay, 'label');
  set('colour', link.colour, 'label');
  set('order', link.order, 'index');
  set('label', link.label);
  set('density', link.density ? 1 : null);
  set('view', link.view);
  for (const tag of link.scalars) query.append('scalar', tag);
  if (link.instances !== null && link.instances.size <= MOST_INSTANCES) set('instances', packKeys(link.instances));
  return query.toString();
}

/** Reads a fragment; what is missing or makes no sense is left at its usual value. */
export function readLink(fragment: string): Link {
  const query = new URLSearchParams(fragment.replace(/^#/, ''));
  const instances = query.get('instances');
  const keys = instances === null ? null : unpackKeys(instances);
  return {
    run: query.get('run'),
    layer: query.get('layer'),
    step: index(query.get('step')),
    filters: (query.get('filters') ?? '').split('.').flatMap((text) => index(text) ?? []),
    instances: keys !== null && keys.size > 0 ? keys : null,
    overlay: oneOf(OVERLAYS, query.get('overlay')) ?? 'label',
    colour: oneOf(COLOURS, query.get('colour')) ?? 'label',
    order: oneOf(ORDERS, query.get('order')) ?? 'index',
    label: index(query.get('label')),
    scalars: [...new Set(query.getAll('scalar'))].slice(0, MOST_SCALARS),
    density: query.get('density') === '1',
    view: oneOf(VIEWS, query.get('view')),
  };
}

function index(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function oneOf<T>(values: readonly T[], value: string | null): T | null {
  return values.find((known) => known === value) ?? null;
}
