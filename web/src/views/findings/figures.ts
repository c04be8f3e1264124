/** Geometry of the findings' small figures. */

import { integer } from '../../lib/format';
import type { Overview } from '../../net/http';
import type { LayerCourse, LayerInfo } from '../../wire';

const FOOT = 14;
const HEAD = 8;

export interface DriftPath {
  path: string;
  /** Height of the limit's line. */
  limit: number;
  /** The limit itself. */
  value: number;
  first: string;
  last: string;
}

/** A layer is never called moving for less drift than this (METHODS, T1). */
const LEAST_LIMIT = 0.005;

/** Drift from window to window on a square-root scale, so that the limit can be told from zero. */
export function driftPath(course: LayerCourse, width: number, height: number): DriftPath | null {
  const known = course.step.flatMap((step, index) => {
    const drift = course.drift[index];
    return drift === null || drift === undefined ? [] : [{ step, drift }];
  });
  const first = known[0];
  const last = known.at(-1);
  if (first === undefined || last === undefined || first === last) return null;
  const value = Math.max(course.noise.at(-1) ?? 0, LEAST_LIMIT);
  const most = known.reduce((high, window) => Math.max(high, window.drift), value * 1.5);
  const y = (drift: number) => HEAD + (height - FOOT - HEAD) * (1 - Math.sqrt(drift / most));
  const x = (step: number) => 2 + ((step - first.step) / (last.step - first.step)) * (width - 4);
  const points = known.map(
    ({ step, drift }, index) => `${index ? 'L' : 'M'}${x(step).toFixed(1)} ${y(drift).toFixed(1)}`,
  );
  return { path: points.join(''), limit: y(value), value, first: integer(first.step), last: integer(last.step) };
}

export interface GainPoint {
  name: string;
  purity: number;
  x: number;
  y: number;
  /** Where its number stands, below or above. */
  label: number;
}

/** How well the labels separate after each layer that was measured. */
export function gainPoints(layers: LayerInfo[], overview: Overview | null, width: number, height: number): GainPoint[] {
  const measured = layers.flatMap((layer) => {
    const summary = overview?.layers.find((known) => known.layer === layer.index);
    const purity = summary?.separability?.neighbour_purity;
    return purity === undefined ? [] : [{ name: layer.name, purity }];
  });
  const low = measured.reduce((least, point) => Math.min(least, point.purity), 1);
  const high = measured.reduce((most, point) => Math.max(most, point.purity), 0);
  const span = Math.max(0.01, high - low);
  const pitch = (width - 48) / Math.max(1, measured.length - 1);
  return measured.map((point, index) => {
    const y = 16 + (height - FOOT - 16 - 8) * (1 - (point.purity - low) / span);
    return { ...point, x: 24 + index * pitch, y, label: -6 };
  });
}
