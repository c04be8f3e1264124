/** How each layer moved from window to window: what the stability lanes show. */

import type { Overview } from '../net/http';
import type { Course, LayerCourse, LayerSummary } from '../wire';

/** Beyond so many windows a layer's course is thinned to half. */
export const MOST_WINDOWS = 4000;

/** The course with an overview's windows added, at most `most` a layer; windows that it has already are left out. */
export function withOverview(course: Course, overview: Overview, most = MOST_WINDOWS): Course {
  const known = new Map(course.layers.map((layer) => [layer.layer, layer]));
  const layers = overview.layers.map((summary) => withWindow(known.get(summary.layer), summary, most));
  return { ...course, layers };
}

/** Total variation between two windows' histograms, in [0, 1]: half the sum of absolute changes. */
export function totalVariation(change: readonly number[] | null): number | null {
  if (change === null) return null;
  return change.reduce((sum, value) => sum + Math.abs(value), 0) / 2;
}

function withWindow(course: LayerCourse | undefined, summary: LayerSummary, most: number): LayerCourse {
  const base = course ?? emptyCourse(summary.layer);
  if ((base.step.at(-1) ?? -1) >= summary.to) return base;
  const next: LayerCourse = {
    layer: base.layer,
    step: [...base.step, summary.to],
    from: [...base.from, summary.from],
    drift: [...base.drift, summary.drift],
    noise: [...base.noise, summary.noise],
    change: [...base.change, totalVariation(summary.change)],
    mean: [...base.mean, summary.mean],
    silent_share: [...base.silent_share, summary.instances > 0 ? summary.silent / summary.instances : 0],
    stable: [...base.stable, summary.stable],
  };
  return next.step.length > most ? thinned(next) : next;
}

function emptyCourse(layer: number): LayerCourse {
  return { layer, step: [], from: [], drift: [], noise: [], change: [], mean: [], silent_share: [], stable: [] };
}

/** Joins each two windows: the larger change and drift, stable only where both are. */
function thinned(course: LayerCourse): LayerCourse {
  const pairs = Array.from({ length: Math.ceil(course.step.length / 2) }, (_, pair) => {
    const first = 2 * pair;
    return [first, Math.min(first + 1, course.step.length - 1)] as const;
  });
  const larger = (values: (number | null)[]) =>
    pairs.map(([a, b]) => {
      const x = values[a] ?? null;
      const y = values[b] ?? null;
      return x === null ? y : y === null ? x : Math.max(x, y);
    });
  const later = <T>(values: T[]) => pairs.map(([, b]) => values[b]!);
  return {
    layer: course.layer,
    step: later(course.step),
    from: pairs.map(([a]) => course.from[a]!),
    drift: larger(course.drift),
    noise: larger(course.noise),
    change: larger(course.change),
    mean: later(course.mean),
    silent_share: later(course.silent_share),
    stable: pairs.map(([a, b]) => course.stable[a]! && course.stable[b]!),
  };
}
