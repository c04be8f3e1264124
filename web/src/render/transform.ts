/** From map coordinates to CSS pixels: screen = offset + scale * map, y pointing down in both. */

export interface ViewTransform {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

export interface Bounds {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
}

/** Free space around the map, CSS pixels. */
export interface Padding {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What the user did to the fitted view: screen = pan + factor * fitted, pan in shares of the panel's size. */
export interface Zoom {
  readonly factor: number;
  readonly panX: number;
  readonly panY: number;
}

export const NO_ZOOM: Zoom = { factor: 1, panX: 0, panY: 0 };
export const SMALLEST_ZOOM = 0.5;
export const LARGEST_ZOOM = 64;

/** Bounds of interleaved positions `x, y`; those that are not finite are left out; none: a unit square at 0. */
export function boundsOf(positions: Float32Array): Bounds {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i + 1 < positions.length; i += 2) {
    const x = positions[i]!;
    const y = positions[i + 1]!;
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    minX = Math.min(minX, x);
    maxX = Math.max(maxX, x);
    minY = Math.min(minY, y);
    maxY = Math.max(maxY, y);
  }
  return minX > maxX ? { minX: -0.5, minY: -0.5, maxX: 0.5, maxY: 0.5 } : { minX, minY, maxX, maxY };
}

/**
 * Centres `bounds` in a panel. One scale for both axes, except that an axis with room left may be stretched up to
 * `stretch` times the other: 1 keeps distances true.
 */
export function fit(bounds: Bounds, size: Size, padding: Padding, stretch = 1): ViewTransform {
  const width = Math.max(1, size.width - padding.left - padding.right);
  const height = Math.max(1, size.height - padding.top - padding.bottom);
  const spanX = bounds.maxX - bounds.minX;
  const spanY = bounds.maxY - bounds.minY;
  const fullX = spanX > 0 ? width / spanX : Infinity;
  const fullY = spanY > 0 ? height / spanY : Infinity;
  const smaller = Math.min(fullX, fullY);
  const common = Number.isFinite(smaller) ? smaller : 1;
  const scaleX = Math.min(fullX, common * stretch);
  const scaleY = Math.min(fullY, common * stretch);
  return {
    scaleX,
    scaleY,
    offsetX: padding.left + (width - spanX * scaleX) / 2 - bounds.minX * scaleX,
    offsetY: padding.top + (height - spanY * scaleY) / 2 - bounds.minY * scaleY,
  };
}

/** The fitted view as the user zoomed and moved it. */
export function withZoom(fitted: ViewTransform, zoom: Zoom, size: Size): ViewTransform {
  return {
    scaleX: fitted.scaleX * zoom.factor,
    scaleY: fitted.scaleY * zoom.factor,
    offsetX: fitted.offsetX * zoom.factor + zoom.panX * size.width,
    offsetY: fitted.offsetY * zoom.factor + zoom.panY * size.height,
  };
}

/** Zooms by `factor` so that the point under (x, y), CSS pixels, stays there. */
export function zoomAt(zoom: Zoom, factor: number, x: number, y: number, size: Size): Zoom {
  const next = Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, zoom.factor * factor));
  const ratio = next / zoom.factor;
  const shareX = x / Math.max(1, size.width);
  const shareY = y / Math.max(1, size.height);
  return {
    factor: next,
    panX: shareX + (zoom.panX - shareX) * ratio,
    panY: shareY + (zoom.panY - shareY) * ratio,
  };
}

/** Moves the view by (dx, dy) CSS pixels. */
export function panBy(zoom: Zoom, dx: number, dy: number, size: Size): Zoom {
  return {
    factor: zoom.factor,
    panX: zoom.panX + dx / Math.max(1, size.width),
    panY: zoom.panY + dy / Math.max(1, size.height),
  };
}

export function screenX(view: ViewTransform, x: number): number {
  return view.offsetX + view.scaleX * x;
}

export function screenY(view: ViewTransform, y: number): number {
  return view.offsetY + view.scaleY * y;
}

export function mapX(view: ViewTransform, x: number): number {
  return (x - view.offsetX) / view.scaleX;
}

export function mapY(view: ViewTransform, y: number): number {
  return (y - view.offsetY) / view.scaleY;
}

/** The view a share `t` of the way from `a` to `b`. */
export function between(a: ViewTransform, b: ViewTransform, t: number): ViewTransform {
  const mix = (from: number, to: number): number => from + (to - from) * t;
  return {
    scaleX: mix(a.scaleX, b.scaleX),
    scaleY: mix(a.scaleY, b.scaleY),
    offsetX: mix(a.offsetX, b.offsetX),
    offsetY: mix(a.offsetY, b.offsetY),
  };
}
