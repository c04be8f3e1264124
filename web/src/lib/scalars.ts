/** TensorBoard's scalars as the page draws them: one panel a tag, one line a folder. */

import type { TensorboardSeries } from '../wire';
import { indexAt } from './series';

/** One curve, on the run's steps. */
export interface ScalarLine {
  /** The folder of its files below the run's directory; empty for the directory itself. */
  folder: string;
  step: number[];
  /** NaN where it was not finite. */
  value: number[];
}

/** The curves of one tag, over each other. */
export interface ScalarPanel {
  tag: string;
  lines: ScalarLine[];
}

/** A tag that can be chosen. */
export interface ScalarTag {
  tag: string;
  folders: string[];
  /** Points of all its curves. */
  points: number;
}

/** The tags of all curves, in the order of their names. */
export function tagsOf(series: readonly TensorboardSeries[]): ScalarTag[] {
  const tags = new Map<string, ScalarTag>();
  for (const { tag, folder, count } of series) {
    const known = tags.get(tag) ?? { tag, folders: [], points: 0 };
    known.folders.push(folder);
    known.points += count;
    tags.set(tag, known);
  }
  return [...tags.values()].sort((a, b) => a.tag.localeCompare(b.tag, 'en', { numeric: true }));
}

/** What is drawn of one tag; `null` without curves. */
export function panelOf(series: readonly TensorboardSeries[]): ScalarPanel | null {
  const first = series[0];
  if (first === undefined) return null;
  return {
    tag: first.tag,
    lines: series.map(({ folder, step, value }) => ({
      folder,
      step,
      value: value.map((number) => number ?? Number.NaN),
    })),
  };
}

/** A line's value at a step: that of its last point at or before it; NaN before the first. */
export function valueAt(line: ScalarLine, step: number): number {
  return line.value[indexAt(line.step, step)] ?? Number.NaN;
}

/** A line's name where there may be several: `both · train`. */
export function lineName(panel: ScalarPanel, line: ScalarLine): string {
  return line.folder === '' ? panel.tag : `${panel.tag} · ${line.folder}`;
}

/** The points of a line that lie on a time axis. */
export function within(line: ScalarLine, last: number): { step: number[]; value: number[] } {
  const from = indexAt(line.step, -1) + 1;
  const to = indexAt(line.step, last) + 1;
  return { step: line.step.slice(from, to), value: line.value.slice(from, to) };
}
