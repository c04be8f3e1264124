/** The map's picture: points by the renderer, what is written on them by a canvas above. */

import type { MapPanel, MapSurface } from '../../components/map-pointer.svelte';
import type { InputMap } from '../../net/views';
import { FrameLoop, Transition } from '../../render/animation';
import { createPoints } from '../../render/create-points';
import type { PointIndex } from '../../render/point-index';
import type { LayerHandle, Panel, PointLayer, PointRenderer } from '../../render/points';
import { between, fit, NO_ZOOM, withZoom, type ViewTransform, type Zoom } from '../../render/transform';

const PADDING = { left: 24, right: 46, top: 14, bottom: 10 };
const MULTIPLE_PADDING = { left: 10, right: 10, top: 22, bottom: 8 };
/** An axis with room left may be stretched so much more than the other. */
const STRETCH = 1.35;
/** Points grow with the root of the zoom, so that crowds come apart. */
const GROWTH = 0.35;

export class Scene implements MapSurface {
  zoom: Zoom = NO_ZOOM;
  panels: MapPanel[] = [];
  readonly #renderer: PointRenderer | null;
  readonly #loop: FrameLoop;
  readonly #moving = new Transition();
  #map: InputMap | null = null;
  #index: PointIndex | null = null;
  #layers: LayerHandle[][] = [];
  #width = 1;
  #height = 1;
  #from: ViewTransform[] = [];

  /** `written` draws what stands above the points, after each drawing. */
  constructor(
    canvas: HTMLCanvasElement,
    private readonly written: (mix: number) => void,
  ) {
    this.#loop = new FrameLoop((now) => this.#draw(now));
    this.#renderer = createPoints(canvas, () => this.ask());
  }

  get index(): PointIndex | null {
    return this.#index;
  }

  /** What draws; `null` where nothing can. */
  get kind(): PointRenderer['kind'] | null {
    return this.#renderer?.kind ?? null;
  }

  setMap(map: InputMap | null, index: PointIndex | null): void {
    const before = this.#map;
    this.#map = map;
    this.#index = index;
    if (map === null) {
      this.#renderer?.setPositions(new Float32Array());
      this.ask();
      return;
    }
    const same = before?.layer === map.layer && before.run === map.run;
    if (!same || before.scale !== map.scale || before.depth !== map.depth) this.zoom = NO_ZOOM;
    const from = before === null ? null : placesBefore(map, before);
    this.#renderer?.setPositions(map.position, from ?? map.position);
    this.#from = from === null ? [] : this.panels.map((panel) => panel.view);
    if (from !== null) this.#moving.start(performance.now());
    this.#place(this.panels.length || 1);
    this.ask();
  }

  /** Layers of each panel, bottom to top. */
  setLayers(panels: readonly (readonly PointLayer[])[]): void {
    if (this.#renderer === null) return;
    const renderer = this.#renderer;
    const fresh = panels.length !== this.#layers.length;
    this.#layers = panels.map((layers, panel) => {
      const held = this.#layers[panel] ?? [];
      held.slice(layers.length).forEach((layer) => layer.dispose());
      return layers.map((layer, index) => {
        const handle = held[index];
        if (handle === undefined) return renderer.createLayer(layer);
        handle.update(layer);
        return handle;
      });
    });
    if (fresh) this.#from = [];
    this.#place(panels.length);
    this.ask();
  }

  resize(width: number, height: number): void {
    this.#width = Math.max(1, width);
    this.#height = Math.max(1, height);
    this.#renderer?.resize(this.#width, this.#height, devicePixelRatio || 1);
    this.#from = [];
    this.#place(this.panels.length || 1);
    // At once: a canvas that changes its size is empty.
    this.#draw(performance.now());
  }

  setZoom(zoom: Zoom): void {
    this.zoom = zoom;
    this.#from = [];
    this.#place(this.panels.length || 1);
    this.ask();
  }

  /** Draws in the next frame. */
  ask(): void {
    this.#loop.ask();
  }

  /** Draws now. */
  redraw(): void {
    this.#draw(performance.now());
  }

  dispose(): void {
    this.#loop.dispose();
    this.#renderer?.dispose();
  }

  #place(count: number): void {
    const columns = count <= 1 ? 1 : count <= 4 ? 2 : 3;
    const rows = Math.ceil(count / columns);
    const width = this.#width / columns;
    const height = this.#height / rows;
    const bounds = this.#index?.bounds ?? { minX: 0, minY: 0, maxX: 1, maxY: 1 };
    const size = { width, height };
    const fitted = fit(bounds, size, count <= 1 ? PADDING : MULTIPLE_PADDING, STRETCH);
    this.panels = Array.from({ length: Math.max(1, count) }, (_, panel) => ({
      x: (panel % columns) * width,
      y: Math.floor(panel / columns) * height,
      width,
      height,
      view: withZoom(fitted, this.zoom, size),
    }));
  }

  #draw(now: number): boolean {
    const mix = this.#moving.at(now);
    const grow = this.zoom.factor ** GROWTH * (this.panels.length > 1 ? 0.8 : 1);
    const panels: Panel[] = this.panels.map((panel, index) => ({
      ...panel,
      view: this.#from[index] ? between(this.#from[index], panel.view, mix) : panel.view,
      grow,
      layers: this.#layers[index] ?? [],
    }));
    this.#renderer?.draw(panels, mix);
    this.written(mix);
    return this.#moving.running(now);
  }
}

/** Where each instance was; those that are new start where they are. `null` where none was there before. */
function placesBefore(map: InputMap, before: InputMap): Float32Array | null {
  if (before.layer !== map.layer || before.run !== map.run) return null;
  if (before.keys === map.keys) return before.position;
  const from = map.position.slice();
  let known = 0;
  for (let row = 0; row < map.count; row++) {
    const old = before.rowOf.get(map.keys[row]!);
    if (old === undefined) continue;
    known += 1;
    from[2 * row] = before.position[2 * old]!;
    from[2 * row + 1] = before.position[2 * old + 1]!;
  }
  return known > 0 ? from : null;
}
