/** Where the overview's panels lie: loss, accuracy, TensorBoard's scalars, one lane a layer, and the time axis under them. */

import { linear, type LinearScale } from '../../lib/axes';

/** Room for tick labels at the left and direct labels at the right. */
const LEFT = 52;
const RIGHT = 112;
const TOP = 8;
const AXIS = 22;
const GAP = 8;
/** More layers than this get narrow lanes without names. */
export const NAMED_LANES = 8;
/** Lanes never take more of the height than this. */
const MOST_LANES_SHARE = 0.5;

/** The height of a panel. */
export interface Band {
  top: number;
  bottom: number;
}

export interface Geometry {
  width: number;
  height: number;
  left: number;
  right: number;
  time: LinearScale;
  /** Last step on the axis. */
  last: number;
  loss: Band;
  /** `null` where no accuracy is known. */
  accuracy: Band | null;
  scalars: Band[];
  lanes: { top: number; height: number; pitch: number };
  /** The axis line. */
  axis: number;
}

export function geometryOf(
  width: number,
  height: number,
  last: number,
  layers: number,
  accuracy: boolean,
  scalars: number,
): Geometry {
  const right = Math.max(LEFT + 40, width - RIGHT);
  const axis = height - AXIS;
  const usual = layers > NAMED_LANES ? 6 : height < 190 ? 11 : 13;
  const pitch = Math.min(usual, ((axis - TOP) * MOST_LANES_SHARE) / Math.max(1, layers));
  const lanesTop = axis - 3 - layers * pitch;
  // Panels share the height that is left alike.
  const panels = 1 + Number(accuracy) + scalars;
  const panel = (lanesTop - TOP - panels * GAP) / panels;
  const band = (place: number): Band => {
    const top = TOP + place * (panel + GAP);
    return { top, bottom: top + panel };
  };
  return {
    width,
    height,
    left: LEFT,
    right,
    time: linear(0, Math.max(1, last), LEFT, right),
    last: Math.max(1, last),
    loss: band(0),
    accuracy: accuracy ? band(1) : null,
    scalars: Array.from({ length: scalars }, (_, index) => band(1 + Number(accuracy) + index)),
    lanes: { top: lanesTop, height: Math.max(1, pitch - (pitch > 8 ? 3 : 1)), pitch },
    axis,
  };
}
