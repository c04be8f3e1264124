/** Points on a plain canvas, where the browser offers no WebGL 2: the same picture, slower. */

import { RING_WIDTH, Shape, type LayerHandle, type Panel, type PointLayer, type PointRenderer } from './points';

/** Below this radius a rectangle looks like a disc and costs a tenth. */
const SMALL_RADIUS = 1.2;

class CanvasLayer implements LayerHandle {
  constructor(public layer: PointLayer) {}

  update(layer: PointLayer): void {
    this.layer = layer;
  }

  dispose(): void {
    this.layer = { color: new Uint8Array(), radius: new Float32Array() };
  }
}

class CanvasPoints implements PointRenderer {
  readonly kind = 'canvas';
  #to: Float32Array = new Float32Array();
  #from: Float32Array | undefined;
  #ratio = 1;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly context: CanvasRenderingContext2D,
  ) {}

  setPositions(to: Float32Array, from?: Float32Array): void {
    this.#to = to;
    this.#from = from?.length === to.length ? from : undefined;
  }

  createLayer(layer: PointLayer): LayerHandle {
    return new CanvasLayer(layer);
  }

  resize(width: number, height: number, ratio: number): void {
    this.#ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
  }

  draw(panels: readonly Panel[], mix: number): void {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const panel of panels) {
      context.save();
      context.setTransform(this.#ratio, 0, 0, this.#ratio, panel.x * this.#ratio, panel.y * this.#ratio);
      context.beginPath();
      context.rect(0, 0, panel.width, panel.height);
      context.clip();
      for (const layer of panel.layers) if (layer instanceof CanvasLayer) this.#drawLayer(panel, layer.layer, mix);
      context.restore();
    }
  }

  dispose(): void {
    this.#to = new Float32Array();
    this.#from = undefined;
  }

  #drawLayer({ view, width, height, grow }: Panel, layer: PointLayer, mix: number): void {
    const { context } = this;
    const [to, from] = [this.#to, this.#from ?? this.#to];
    const count = layer.order?.length ?? to.length / 2;
    context.lineWidth = RING_WIDTH;
    let last = -1;
    for (let i = 0; i < count; i++) {
      const row = layer.order ? layer.order[i]! : i;
      const radius = (layer.radius[row] ?? 0) * grow;
      const x = view.offsetX + view.scaleX * (from[2 * row]! + (to[2 * row]! - from[2 * row]!) * mix);
      const y = view.offsetY + view.scaleY * (from[2 * row + 1]! + (to[2 * row + 1]! - from[2 * row + 1]!) * mix);
      const onPanel = x > -radius && y > -radius && x < width + radius && y < height + radius;
      if (!(radius > 0) || !onPanel || layer.color[4 * row + 3] === 0) continue;
      const packed = packedColor(layer.color, row);
      if (packed !== last) {
        const style = styleOf(layer.color, row);
        context.fillStyle = style;
        context.strokeStyle = style;
        last = packed;
      }
      drawMark(context, layer.shape?.[row] ?? Shape.disc, x, y, radius);
    }
  }
}

/** The renderer on a plain canvas, or `null` where the canvas already has another kind of context. */
export function createCanvasPoints(canvas: HTMLCanvasElement): PointRenderer | null {
  const context = canvas.getContext('2d');
  return context ? new CanvasPoints(canvas, context) : null;
}

function drawMark(context: CanvasRenderingContext2D, shape: number, x: number, y: number, radius: number): void {
  if (shape === Shape.square || (shape === Shape.disc && radius < SMALL_RADIUS)) {
    context.fillRect(x - 0.88 * radius, y - 0.88 * radius, 1.76 * radius, 1.76 * radius);
    return;
  }
  context.beginPath();
  if (shape === Shape.diamond) {
    const reach = 1.2 * radius;
    context.moveTo(x, y - reach);
    context.lineTo(x + reach, y);
    context.lineTo(x, y + reach);
    context.lineTo(x - reach, y);
    context.fill();
  } else if (shape === Shape.ring) {
    context.arc(x, y, Math.max(0.1, radius - RING_WIDTH / 2), 0, 2 * Math.PI);
    context.stroke();
  } else {
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

function packedColor(color: Uint8Array, row: number): number {
  return (
    ((color[4 * row]! << 24) | (color[4 * row + 1]! << 16) | (color[4 * row + 2]! << 8) | color[4 * row + 3]!) >>> 0
  );
}

function styleOf(color: Uint8Array, row: number): string {
  return `rgba(${color[4 * row]},${color[4 * row + 1]},${color[4 * row + 2]},${(color[4 * row + 3]! / 255).toFixed(3)})`;
}
