/** The contours of the map that is shown: worked out beside the page, the newest places only. */

import type { Contour } from '../../lib/density';
import type { DensityJob } from '../../lib/density.worker';

/** Shares of a colour's points that the contours hold: where colours lie apart, and where they lie on each other. */
export const APART = [0.25, 0.5, 0.75];
export const MIXED = [0.25];

/** A contour as a path in map coordinates. */
export interface Outline {
  group: number;
  share: number;
  path: Path2D;
}

interface Asked extends DensityJob {
  /** What the places are of; contours of anything else are not shown. */
  of: string;
}

export class Density {
  outlines = $state.raw<readonly Outline[]>([]);
  #worker: Worker | null = null;
  /** What the contours that are shown, or come next, are of. */
  #of = '';
  #running: Asked | null = null;
  #waiting: Asked | null = null;

  /** Asks for the contours of a map; those of its earlier places stay until the new ones are there. */
  ask(of: string, job: DensityJob): void {
    if (of !== this.#of) this.outlines = [];
    this.#of = of;
    this.#waiting = { of, ...job };
    this.#next();
  }

  clear(): void {
    this.#of = '';
    this.#waiting = null;
    this.outlines = [];
  }

  dispose(): void {
    this.clear();
    this.#worker?.terminate();
    this.#worker = null;
  }

  #next(): void {
    if (this.#running !== null || this.#waiting === null) return;
    this.#running = this.#waiting;
    this.#waiting = null;
    this.#worker ??= this.#started();
    this.#worker.postMessage(this.#running);
  }

  #started(): Worker {
    const worker = new Worker(new URL('../../lib/density.worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Contour[]>) => {
      if (this.#running?.of === this.#of) this.outlines = data.map(outlineOf);
      this.#running = null;
      this.#next();
    };
    return worker;
  }
}

function outlineOf({ group, share, rings }: Contour): Outline {
  const path = new Path2D();
  for (const ring of rings) {
    for (let place = 0; place + 1 < ring.length; place += 2) {
      if (place === 0) path.moveTo(ring[0]!, ring[1]!);
      else path.lineTo(ring[place]!, ring[place + 1]!);
    }
    path.closePath();
  }
  return { group, share, path };
}
