/** Contours beside the page's own thread: messages in are `DensityJob`s, messages out their `Contour[]`. */

import { densityContours } from './density';

export interface DensityJob {
  position: Float32Array;
  group: Int32Array;
  shares: readonly number[];
}

addEventListener('message', ({ data }: MessageEvent<DensityJob>) => {
  const contours = densityContours(data.position, data.group, data.shares);
  postMessage(contours, { transfer: contours.flatMap(({ rings }) => rings.map((ring) => ring.buffer)) });
});
