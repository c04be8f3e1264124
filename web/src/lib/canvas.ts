/** Canvas helpers. */

/** Fits a canvas's pixels to its size on the page; returns its context in CSS pixels, cleared, or `null` if hidden. */
export function fitted(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  font: string,
): CanvasRenderingContext2D | null {
  const context = canvas.getContext('2d');
  if (context === null || width < 1 || height < 1) return null;
  const ratio = devicePixelRatio || 1;
  const pixels = [Math.round(width * ratio), Math.round(height * ratio)] as const;
  if (canvas.width !== pixels[0]) canvas.width = pixels[0];
  if (canvas.height !== pixels[1]) canvas.height = pixels[1];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = `11px ${font}`;
  context.textBaseline = 'middle';
  return context;
}
