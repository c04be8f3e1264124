/** The frames of a layer as typed data. */

import type { LayerSummary } from '../wire';
import { arrayOf, FrameError, optionalArrayOf, type Frame } from './frame';
import { identityKey } from './identity';

/** A filter's state, as the frame codes it. */
export const FILTER_STATES = ['alive', 'dead', 'always_on', 'weakening', 'unknown'] as const;
export type FilterState = (typeof FILTER_STATES)[number];

/** Statistics of every filter over one window. */
export interface LayerDetail {
  run: string;
  layer: number;
  step: number;
  filters: number;
  /** Largest rectified activation in the window. */
  max: Float32Array;
  allTimeMax: Float32Array;
  /** Share of instances above half of the maximum, in [0, 1]. */
  frequency: Float32Array;
  sum: Float64Array;
  /** Strongest label, -1 where there is none. */
  label: Int32Array;
  /** In [0, 1]; NaN where there is none. */
  specificity: Float32Array;
  /** Indices into `FILTER_STATES`. */
  state: Uint8Array;
  /** `[filters, labels]`, or `null` without labels. */
  labelStrength: Float32Array | null;
  labels: number;
  summary: LayerSummary;
  /** Redundant filters. */
  groups: number[][];
  /** The layer's 99.9 % activation level. */
  level: number | null;
}

/** Filters placed by similarity; all-zero ones are counted, not placed. */
export interface FilterMap {
  run: string;
  layer: number;
  step: number;
  /** `[n, 2]`. */
  position: Float32Array;
  /** The filter at each position. */
  filter: Uint32Array;
  /** `[m, 2]`: similar filters, strongest first. */
  link: Uint32Array;
  /** phi of each link. */
  linkValue: Float32Array;
  method: string;
  iterations: number;
  settled: boolean;
  fromStep: number | null;
  allZero: number;
}

/** Instances placed by what the layer reads there. One row per distinct input. */
export interface InputMap {
  run: string;
  layer: number;
  step: number;
  count: number;
  /** `[n, 2]`. */
  position: Float32Array;
  input: Int32Array;
  /** `[n, 2]`: row and column in the layer's grid. */
  place: Int32Array;
  /** -1 = unlabelled. */
  label: Int32Array;
  prediction: Int32Array;
  /** How many identical inputs a row stands for. */
  multiplicity: Uint32Array;
  /** 0 training, 1 validation. */
  split: Uint8Array;
  maxActivation: Float32Array;
  /** `[n, 4]`: y, x, height, width in input pixels; may reach outside. */
  rect: Int32Array;
  /** Identity of each row (see `identityKey`). */
  keys: Float64Array;
  /** The row of an identity. */
  rowOf: Map<number, number>;
  method: string;
  scale: number;
  scales: number;
  /** Whether what is chosen in it can have a map of its own. */
  finer: boolean;
  /** How many choices lie between the layer's own map and this one. */
  depth: number;
  iterations: number;
  plannedIterations: number | null;
  settled: boolean;
  /** Share of neighbours that the map keeps. */
  preservation: number | null;
  level: number | null;
}

/** Activations of the input map's rows. */
export interface Activations {
  run: string;
  layer: number;
  step: number;
  count: number;
  filters: number;
  /** `[n, filters]`, linear, 255 = the filter's scale. */
  activation: Uint8Array;
  /** Activation that 255 stands for, per filter. */
  scale: Float32Array;
}

/** Pixels of instances or whole inputs. */
export interface Patches {
  count: number;
  height: number;
  width: number;
  channels: number;
  /** `[n, height, width, channels]`. */
  pixels: Uint8Array;
}

export function decodeLayer(frame: Frame): LayerDetail {
  const max = arrayOf(frame, 'max', 'f32');
  const labelStrength = optionalArrayOf(frame, 'label_strength', 'f32');
  return {
    ...origin(frame),
    filters: max.length,
    max,
    allTimeMax: arrayOf(frame, 'all_time_max', 'f32'),
    frequency: arrayOf(frame, 'frequency', 'f32'),
    sum: arrayOf(frame, 'sum', 'f64'),
    label: arrayOf(frame, 'label', 'i32'),
    specificity: arrayOf(frame, 'specificity', 'f32'),
    state: arrayOf(frame, 'state', 'u8'),
    labelStrength,
    labels: labelStrength && max.length > 0 ? labelStrength.length / max.length : 0,
    summary: frame.meta as unknown as LayerSummary,
    groups: (frame.meta['groups'] as number[][] | undefined) ?? [],
    level: numberOr(frame.meta['level']),
  };
}

export function decodeFilterMap(frame: Frame): FilterMap {
  return {
    ...origin(frame),
    position: arrayOf(frame, 'position', 'f32'),
    filter: arrayOf(frame, 'filter', 'u32'),
    link: optionalArrayOf(frame, 'link', 'u32') ?? new Uint32Array(),
    linkValue: optionalArrayOf(frame, 'link_value', 'f32') ?? new Float32Array(),
    method: String(frame.meta['method'] ?? ''),
    iterations: numberOr(frame.meta['iterations']) ?? 0,
    settled: frame.meta['settled'] !== false,
    fromStep: numberOr(frame.meta['from_step']),
    allZero: numberOr(frame.meta['all_zero']) ?? 0,
  };
}

/** `before`: the same view's earlier data; a map that is refined keeps its rows, and with them their index. */
export function decodeInputMap(frame: Frame, before: InputMap | null = null): InputMap {
  const input = arrayOf(frame, 'input', 'i32');
  const place = arrayOf(frame, 'place', 'i32');
  const split = arrayOf(frame, 'split', 'u8');
  const scale = numberOr(frame.meta['scale']) ?? 0;
  const refined =
    before !== null &&
    before.run === frame.run &&
    before.layer === frame.layer &&
    before.step === frame.step &&
    before.scale === scale &&
    before.count === input.length;
  const { keys, rowOf } = refined ? before : identities(input, place, split);
  return {
    ...origin(frame),
    count: input.length,
    position: arrayOf(frame, 'position', 'f32'),
    input,
    place,
    label: arrayOf(frame, 'label', 'i32'),
    prediction: arrayOf(frame, 'prediction', 'i32'),
    multiplicity: arrayOf(frame, 'count', 'u32'),
    split,
    maxActivation: arrayOf(frame, 'max_activation', 'f32'),
    rect: arrayOf(frame, 'rect', 'i32'),
    keys,
    rowOf,
    method: String(frame.meta['method'] ?? ''),
    scale,
    scales: numberOr(frame.meta['scales']) ?? 1,
    finer: frame.meta['finer'] === true,
    depth: 0,
    iterations: numberOr(frame.meta['iterations']) ?? 0,
    plannedIterations: numberOr(frame.meta['planned_iterations']),
    settled: frame.meta['settled'] !== false,
    preservation: numberOr(frame.meta['preservation']),
    level: numberOr(frame.meta['level']),
  };
}

function identities(input: Int32Array, place: Int32Array, split: Uint8Array): Pick<InputMap, 'keys' | 'rowOf'> {
  const keys = new Float64Array(input.length);
  const rowOf = new Map<number, number>();
  for (let row = 0; row < input.length; row++) {
    const key = identityKey(split[row]!, Math.max(0, input[row]!), place[2 * row]!, place[2 * row + 1]!);
    keys[row] = key;
    rowOf.set(key, row);
  }
  return { keys, rowOf };
}

export function decodeActivations(frame: Frame): Activations {
  const scale = arrayOf(frame, 'scale', 'f32');
  const activation = arrayOf(frame, 'activation', 'u8');
  const count = scale.length > 0 ? activation.length / scale.length : 0;
  return { ...origin(frame), count, filters: scale.length, activation, scale };
}

export function decodePatches(frame: Frame): Patches {
  const array = frame.arrays.get('pixels');
  const [count, height, width, channels] = array?.shape ?? [];
  if (count === undefined || height === undefined || width === undefined || channels === undefined) {
    throw new FrameError(`frame ${frame.kind}: expected pixels of shape [n, height, width, channels]`);
  }
  return { count, height, width, channels, pixels: arrayOf(frame, 'pixels', 'u8') };
}

function origin(frame: Frame): { run: string; layer: number; step: number } {
  if (frame.layer === null) throw new FrameError(`frame ${frame.kind}: no layer`);
  return { run: frame.run, layer: frame.layer, step: frame.step };
}

function numberOr(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
