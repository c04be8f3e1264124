/** Draws where each colour is dense: the fewer of its points a contour holds, the stronger it is. */

import type { ViewTransform } from '../../render/transform';
import type { Outline } from './density.svelte';

const LINE = 1.4;
const FAINTEST = 0.35;
const GROUND = 0.09;

/** `grounds`: whether the regions are tinted, too; above activations they are not. */
export function drawContours(
  context: CanvasRenderingContext2D,
  view: ViewTransform,
  outlines: readonly Outline[],
  colour: (group: number) => string,
  grounds: boolean,
): void {
  const toScreen = new DOMMatrix([view.scaleX, 0, 0, view.scaleY, view.offsetX, view.offsetY]);
  for (const { group, share, path } of outlines) {
    const placed = new Path2D();
    placed.addPath(path, toScreen);
    if (grounds) {
      context.globalAlpha = GROUND;
      context.fillStyle = colour(group);
      context.fill(placed, 'evenodd');
    }
    context.globalAlpha = FAINTEST + (1 - FAINTEST) * (1 - share);
    context.strokeStyle = colour(group);
    context.lineWidth = LINE;
    context.stroke(placed);
  }
  context.globalAlpha = 1;
}
