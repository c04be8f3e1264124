import { createCanvasPoints } from './points-canvas';
import { createWebglPoints, webglDraws } from './points-webgl';
import type { PointRenderer } from './points';

/**
 * The best renderer that the browser offers for `canvas`, which must be fresh. `redraw` is called when a lost context
 * is back. `null` where nothing can draw.
 */
export function createPoints(canvas: HTMLCanvasElement, redraw: () => void): PointRenderer | null {
  return (webglDraws() ? createWebglPoints(canvas, redraw) : null) ?? createCanvasPoints(canvas);
}
