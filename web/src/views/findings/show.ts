/** "Show me": sets layer, filters or instances so that the views show what a finding is about. Never the iteration. */

import { announcer, drill, layerData, run, selection } from '../../state';
import type { Finding } from '../../wire';

/** An instance is undetected where its largest activation is below this share of the layer's level (METHODS, T3). */
const UNDETECTED_SHARE = 0.05;
const PATIENCE_MS = 5000;

export async function showFinding(finding: Finding): Promise<void> {
  selection.chooseLayer(finding.layer_index);
  if (finding.kind === 'undetected') await showUndetected(finding);
  else if (finding.filters && finding.filters.length > 0) selection.chooseFilters(finding.filters);
}

/**
 * The finding's instances where the map has them, and those of the map that no filter answers to either: most of the
 * map's inputs are others than those of the window that the finding is from.
 */
async function showUndetected({ layer_index, items }: Finding): Promise<void> {
  selection.chooseFilters([]);
  selection.overlay = 'max';
  drill.clear();
  const map = await mapOf(layer_index);
  if (map === null || map.level === null) {
    announcer.say('The map of this layer is not there yet.');
    return;
  }
  const limit = map.level * UNDETECTED_SHARE;
  const named = new Set(items);
  const keys: number[] = [];
  for (let row = 0; row < map.count; row++) {
    const item = `${map.input[row]}:${map.place[2 * row]}:${map.place[2 * row + 1]}`;
    if (map.maxActivation[row]! < limit || named.has(item)) keys.push(map.keys[row]!);
  }
  selection.chooseInstances(keys);
  if (keys.length === 0) announcer.say('No instance of the map is below the limit at this iteration.');
}

/** The layer's map as soon as it has come. */
async function mapOf(layer: number) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const map = layerData.inputMap.value;
    if (map !== null && map.layer === layer && map.run === run.id) return map;
    if (selection.layer !== layer || layerData.inputMap.missing) return null;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}
