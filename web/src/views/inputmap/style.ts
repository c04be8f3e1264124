/** How each instance looks: hue is its label, ink its activation, accent that it is chosen. */

import type { Palette } from '../../lib/colours';
import { rgb, type Rgb } from '../../lib/colours';
import type { Activations, InputMap } from '../../net/views';
import { orderByLevel, scatteredOrder } from '../../render/order';
import { Shape, type PointLayer } from '../../render/points';

export interface Look {
  map: InputMap;
  /** CSS colour of a row. */
  colour: (row: number) => string;
  /** Rows that are chosen, ascending; `null` = no choice. */
  selected: Int32Array | null;
  /** The only label that is shown in full; `null` = all. */
  isolated: number | null;
  palette: Palette;
}

/** Without an overlay, colours are full; under one they step back. */
const UNDER_OVERLAY = 0.3;
const NOT_CHOSEN = 0.22;
const NOT_ISOLATED = 0.07;
/** Rings of more rows than this would hide what they are around: they step back, and the rest is pale anyway. */
const FEW_RINGS = 150;
const FAINTEST_RING = 0.3;
/** Levels below this are nothing to see. */
const FAINTEST = 6;
/** An overlay's marks, in shares of a plain point's radius, from no activation to the largest. */
const SMALLEST_MARK = 0.6;
const LARGEST_MARK = 1.85;

/** Radius of a plain point: many points are small. */
export function pointRadius(count: number): number {
  if (count <= 1000) return 3;
  if (count <= 3000) return 2.4;
  if (count <= 10_000) return 1.9;
  return count <= 40_000 ? 1.4 : 1.1;
}

/** The instances by colour. */
export function colourLayer(look: Look, overlay: boolean): PointLayer {
  const { map, selected, isolated } = look;
  const color = new Uint8Array(4 * map.count);
  const radius = new Float32Array(map.count);
  const chosen = flags(map.count, selected);
  const known = new Map<string, Rgb>();
  const plain = pointRadius(map.count);
  for (let row = 0; row < map.count; row++) {
    const css = look.colour(row);
    let bytes = known.get(css);
    if (bytes === undefined) {
      bytes = rgb(css);
      known.set(css, bytes);
    }
    let alpha = overlay ? UNDER_OVERLAY : 1;
    if (chosen !== null && chosen[row] === 0) alpha = Math.min(alpha, NOT_CHOSEN);
    if (isolated !== null && map.label[row] !== isolated) alpha = NOT_ISOLATED;
    color.set(bytes, 4 * row);
    color[4 * row + 3] = Math.round(255 * alpha);
    radius[row] = overlay ? plain * 0.75 : plain;
  }
  return { color, radius, order: scatteredOrder(map.count) };
}

/** Activation above the colours: ink by strength, drawn inside the chosen set only. Levels are 0 to 255. */
export function activationLayer(look: Look, levels: Uint8Array): PointLayer {
  const { map, selected, isolated, palette } = look;
  const color = new Uint8Array(4 * map.count);
  const radius = new Float32Array(map.count);
  const chosen = flags(map.count, selected);
  const plain = pointRadius(map.count);
  const ramp = Array.from({ length: 256 }, (_, level) => palette.rampRgb(level / 255));
  for (let row = 0; row < map.count; row++) {
    const level = levels[row]!;
    const hidden = (chosen !== null && chosen[row] === 0) || (isolated !== null && map.label[row] !== isolated);
    if (level < FAINTEST || hidden) continue;
    const share = level / 255;
    color.set(ramp[level]!, 4 * row);
    color[4 * row + 3] = Math.round(255 * (0.35 + 0.65 * share));
    radius[row] = plain * (SMALLEST_MARK + (LARGEST_MARK - SMALLEST_MARK) * share);
  }
  return { color, radius, order: orderByLevel(levels, FAINTEST) };
}

/** Rings around what is chosen. */
export function choiceLayer(look: Look): PointLayer {
  const { map, selected, palette } = look;
  const color = new Uint8Array(4 * map.count);
  const radius = new Float32Array(map.count);
  const shape = new Uint8Array(map.count).fill(Shape.ring);
  const accent = rgb(palette.accent);
  const order = Uint32Array.from(selected ?? []);
  const plain = pointRadius(map.count);
  const alpha = Math.min(1, Math.max(FAINTEST_RING, FEW_RINGS / order.length));
  for (const row of order) {
    color.set(accent, 4 * row);
    color[4 * row + 3] = Math.round(255 * alpha);
    radius[row] = plain + 2;
  }
  return { color, radius, shape, order };
}

/** The chosen filter's activation of each row of the map. */
export function filterLevels(activations: Activations, filter: number): Uint8Array {
  const levels = new Uint8Array(activations.count);
  for (let row = 0; row < activations.count; row++) {
    levels[row] = activations.activation[row * activations.filters + filter] ?? 0;
  }
  return levels;
}

/** The largest activation of any of some filters, each against its own largest, of each row of the map. */
export function largestLevels(activations: Activations, filters: readonly number[]): Uint8Array {
  const levels = new Uint8Array(activations.count);
  for (let row = 0; row < activations.count; row++) {
    for (const filter of filters) {
      levels[row] = Math.max(levels[row]!, activations.activation[row * activations.filters + filter] ?? 0);
    }
  }
  return levels;
}

/** Each row's largest activation against the layer's level. */
export function maxLevels(map: InputMap): Uint8Array {
  const full = map.level ?? map.maxActivation.reduce((most, value) => Math.max(most, value), 0);
  return Uint8Array.from(map.maxActivation, (value) =>
    full > 0 ? Math.min(255, Math.round((255 * value) / full)) : 0,
  );
}

function flags(count: number, rows: Int32Array | null): Uint8Array | null {
  if (rows === null) return null;
  const set = new Uint8Array(count);
  for (const row of rows) set[row] = 1;
  return set;
}
