/** Drawing many points: one interface, one implementation on the GPU and one without. */

import type { ViewTransform } from './transform';

/** Marks a point can have. */
export const Shape = { disc: 0, ring: 1, square: 2, diamond: 3 } as const;

/** How some of the points look; a map may lie in several layers above each other. */
export interface PointLayer {
  /** Red, green, blue, alpha of each point (straight alpha). */
  readonly color: Uint8Array;
  /** Radius of each point, CSS pixels; 0 hides it. */
  readonly radius: Float32Array;
  /** Mark of each point, see `Shape`; absent = discs. */
  readonly shape?: Uint8Array;
  /** Rows to draw, the last on top; absent = every row in order. */
  readonly order?: Uint32Array;
}

/** A layer that a renderer holds. */
export interface LayerHandle {
  update(layer: PointLayer): void;
  dispose(): void;
}

/** One map in the canvas; several lie side by side in small multiples. */
export interface Panel {
  /** Place in the canvas, CSS pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** From map coordinates to the panel's pixels. */
  readonly view: ViewTransform;
  /** Factor on every radius. */
  readonly grow: number;
  /** Bottom to top. */
  readonly layers: readonly LayerHandle[];
}

/** Width of a ring's line, CSS pixels. */
export const RING_WIDTH = 1.4;

/**
 * Holds positions and layers, so that moving the view uploads nothing: pan and zoom are four numbers.
 * Positions and styles survive a lost GPU context.
 */
export interface PointRenderer {
  readonly kind: 'webgl2' | 'canvas';
  /**
   * Interleaved x, y of each point. `from` (same length) is where each point comes from: `draw` shows the mixture.
   * A point that is not finite is not drawn.
   */
  setPositions(to: Float32Array, from?: Float32Array): void;
  createLayer(layer: PointLayer): LayerHandle;
  /** Size in CSS pixels and device pixels per CSS pixel. */
  resize(width: number, height: number, ratio: number): void;
  /** Draws everything; `mix` in [0, 1] = the share of the way from `from` to `to`. */
  draw(panels: readonly Panel[], mix: number): void;
  /** Frees what the GPU holds. */
  dispose(): void;
}
