/** A layer in words. */

import type { LayerInfo } from '../wire';

const KINDS: Record<string, { short: string; long: string }> = {
  conv1d: { short: 'Conv', long: 'Convolution' },
  conv2d: { short: 'Conv', long: 'Convolution' },
  dense: { short: 'Dense', long: 'Fully connected' },
};

/** What a layer's filters are called: units where there is one position, filters on a grid. */
export function filterWord(layer: LayerInfo | null): 'filter' | 'unit' {
  return layer !== null && layer.positions === 1 && !layer.kind.startsWith('conv') ? 'unit' : 'filter';
}

export function shortKind(layer: LayerInfo): string {
  return KINDS[layer.kind]?.short ?? plain(layer.kind);
}

export function longKind(layer: LayerInfo): string {
  return KINDS[layer.kind]?.long ?? plain(layer.kind);
}

function plain(kind: string): string {
  const words = kind.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
