/** "Show me": sets layer, filters or instances so that the views show what a finding is about. Never the iteration. */

import { announcer, layerData, run, selection } from '../../state';
import type { Finding } from '../../wire';

/** An instance is undetected where its largest activation is below this share of the layer's level (METHODS, T3). */
const UNDETECTED_SHARE = 0.05;
const PATIENCE_MS = 5000;

export async function showFinding(finding: Finding): Promise<void> {
  if (finding.layer_index === null) return;
  selection.chooseLayer(finding.layer_index);
  if (finding.kind === 'undetected') await showUndetected(finding.layer_index);
  else if (finding.filters && finding.filters.length > 0) selection.chooseFilters(finding.filters);
}

/** The map's instances that no filter answers to: the map knows other inputs than the window that the finding is from. */
async function showUndetected(layer: number): Promise<void> {
  selection.chooseFilters([]);
  selection.overlay = 'max';
  const map = await mapOf(layer);
  if (map === null || map.level === null) {
    announcer.say('The map of this layer is not there yet.');
    return;
  }
  const limit = map.level * UNDETECTED_SHARE;
  const keys: number[] = [];
  for (let row = 0; row < map.count; row++) {
    if (map.maxActivation[row]! < limit) keys.push(map.keys[row]!);
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
