/** Planned changes in words. */

import { filterWord } from '../../lib/names';
import type { LayerInfo, PlanAction } from '../../wire';

/** `20 → 17`, `remove layer`: what a finding's actions come to. */
export function changeWords(actions: readonly PlanAction[], layers: readonly LayerInfo[]): string {
  const first = actions[0];
  if (first === undefined) return '';
  const layer = layers.find((known) => known.name === first.layer) ?? null;
  if (first.action === 'remove_layer') return 'remove the layer';
  if (first.action === 'add_layer') return 'add a layer';
  const before = layer?.filters ?? 0;
  return `${before} → ${sizeAfter(before, actions)} ${filterWord(layer)}s`;
}

/** Filters that a layer has after its actions. */
export function sizeAfter(before: number, actions: readonly PlanAction[]): number {
  const gone = new Set<number>();
  let size: number | null = null;
  for (const action of actions) {
    if (action.action === 'remove_filters') action.filters?.forEach((filter) => gone.add(filter));
    // A group becomes its first filter.
    if (action.action === 'merge_filters') action.filters?.slice(1).forEach((filter) => gone.add(filter));
    if (action.action === 'resize_layer') size = action.size ?? action.filters?.length ?? null;
  }
  return size ?? before - gone.size;
}
