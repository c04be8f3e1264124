/** The page's shared state. */

export { announcer } from './announcer.svelte';
export { connection } from './connection.svelte';
export { drill, FEWEST } from './drill.svelte';
export { labels } from './labels.svelte';
export { layerData, type Resource } from './layer.svelte';
export { keyOf, redesign } from './redesign.svelte';
export { run, type Phase } from './run.svelte';
export { runs } from './runs.svelte';
export { scalars } from './scalars.svelte';
export {
  selection,
  MOST_FILTERS,
  MOST_SCALARS,
  type Colour,
  type MaximisedView,
  type Order,
  type Overlay,
} from './selection.svelte';
export { session } from './session.svelte';
export { settings, type Theme } from './settings.svelte';
export { tooltip } from './tooltip.svelte';
