/** The training curves: bounded however long a run is, with their extremes kept. */

import type { Scalars, ScalarsMessage, Validations } from '../wire';

/** Beyond so many points the older ones are thinned to half. */
export const MOST_POINTS = 4000;
const SMOOTHING = 0.9;

export interface Series {
  step: number[];
  /** NaN where it was not finite. */
  loss: number[];
  accuracy: number[];
  /** Exponential moving averages (0.9 a point). */
  smoothLoss: number[];
  smoothAccuracy: number[];
  validations: { step: number[]; accuracy: number[]; loss: number[] };
}

export function emptySeries(): Series {
  return {
    step: [],
    loss: [],
    accuracy: [],
    smoothLoss: [],
    smoothAccuracy: [],
    validations: { step: [], accuracy: [], loss: [] },
  };
}

export function seriesOf(scalars: Scalars): Series {
  return appended(emptySeries(), scalars);
}

/** The series with newer points added; those at or before its last step are left out. Arrays may be shared. */
export function appended(series: Series, more: Omit<ScalarsMessage, 'run'>): Series {
  const next = { ...series };
  let last = next.step.at(-1) ?? -1;
  for (let index = 0; index < more.step.length; index++) {
    const step = more.step[index]!;
    if (step <= last) continue;
    last = step;
    const loss = more.loss[index] ?? Number.NaN;
    const accuracy = more.train_accuracy[index] ?? Number.NaN;
    next.step.push(step);
    next.loss.push(loss);
    next.accuracy.push(accuracy);
    next.smoothLoss.push(smoothed(next.smoothLoss.at(-1), loss));
    next.smoothAccuracy.push(smoothed(next.smoothAccuracy.at(-1), accuracy));
  }
  next.validations = withValidations(next.validations, more.validations);
  return next.step.length > MOST_POINTS ? thinned(next) : next;
}

/** Index of the last step at or before `step`, -1 where there is none. */
export function indexAt(steps: readonly number[], step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function smoothed(before: number | undefined, value: number): number {
  if (!Number.isFinite(value)) return before ?? Number.NaN;
  if (before === undefined || !Number.isFinite(before)) return value;
  return before * SMOOTHING + value * (1 - SMOOTHING);
}

function withValidations(known: Series['validations'], more: Validations): Series['validations'] {
  let last = known.step.at(-1) ?? -1;
  more.step.forEach((step, index) => {
    if (step <= last) return;
    last = step;
    known.step.push(step);
    known.accuracy.push(more.accuracy[index] ?? Number.NaN);
    known.loss.push(more.loss[index] ?? Number.NaN);
  });
  if (known.step.length <= MOST_POINTS) return known;
  const half = (values: number[]) => values.filter((_, index) => index % 2 === 1);
  return { step: half(known.step), accuracy: half(known.accuracy), loss: half(known.loss) };
}

/** Keeps the smallest and the largest loss of every four points. */
function thinned(series: Series): Series {
  const keep: number[] = [];
  for (let start = 0; start < series.step.length; start += 4) {
    const end = Math.min(start + 4, series.step.length);
    let low = start;
    let high = start;
    for (let index = start; index < end; index++) {
      if (series.loss[index]! < series.loss[low]!) low = index;
      if (series.loss[index]! > series.loss[high]!) high = index;
    }
    if (low === high) high = end - 1;
    keep.push(Math.min(low, high));
    if (low !== high) keep.push(Math.max(low, high));
  }
  const last = series.step.length - 1;
  if (keep.at(-1) !== last) keep.push(last);
  const pick = (values: number[]) => keep.map((index) => values[index]!);
  return {
    step: pick(series.step),
    loss: pick(series.loss),
    accuracy: pick(series.accuracy),
    smoothLoss: pick(series.smoothLoss),
    smoothAccuracy: pick(series.smoothAccuracy),
    validations: series.validations,
  };
}
