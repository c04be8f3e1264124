/** Mouse and keys on a map: point, lasso, zoom, pan, and moving from mark to mark. */

import { ARROWS } from '../lib/arrows';
import type { PointIndex } from '../render/point-index';
import { polygonExtent } from '../render/polygon';
import {
  mapX,
  mapY,
  NO_ZOOM,
  panBy,
  screenX,
  screenY,
  zoomAt,
  type ViewTransform,
  type Zoom,
} from '../render/transform';

/** A mark answers within this distance, CSS pixels. */
const REACH = 10;
/** Smaller movements are a click. */
const CLICK = 6;
const WHEEL = 0.0016;
const KEY_ZOOM = 1.4;

/** How the mouse marks an area. */
export type AreaShape = 'lasso' | 'box';

/** One map in a view; small multiples lie side by side. */
export interface MapPanel {
  x: number;
  y: number;
  width: number;
  height: number;
  view: ViewTransform;
}

/** What the pointer moves about in. */
export interface MapSurface {
  readonly panels: readonly MapPanel[];
  readonly zoom: Zoom;
  /** The marks by place; `null` while there are none. */
  readonly index: PointIndex | null;
  setZoom(zoom: Zoom): void;
  /** Draws in the next frame. */
  ask(): void;
}

export interface PointerActions {
  /** Rows in an `area`, or the one that was clicked; none = nothing was there. */
  choose(rows: ArrayLike<number>, add: boolean, area: boolean): void;
  hovered(row: number | null, x: number, y: number): void;
}

export class MapPointer {
  /** Corners of the area being drawn, interleaved, in the view's pixels. */
  area: number[] = [];
  /** Row under the pointer or the keyboard. */
  hover: number | null = null;
  shape = $state<AreaShape>('lasso');
  #drag: 'area' | 'pan' | null = null;
  #last: [number, number] = [0, 0];

  /** What the element under the map listens to; keys are the map's own. */
  readonly handlers = {
    onpointerdown: (event: PointerEvent): void => this.#down(event),
    onpointermove: (event: PointerEvent): void => this.#move(event),
    onpointerup: (event: PointerEvent): void => this.#up(event),
    onpointercancel: (event: PointerEvent): void => this.#up(event),
    onpointerleave: (event: PointerEvent): void => this.#leave(event),
    onwheel: (event: WheelEvent): void => this.#wheel(event),
    ondblclick: (): void => this.reset(),
    oncontextmenu: (event: MouseEvent): void => event.preventDefault(),
  };

  constructor(
    private readonly surface: () => MapSurface | null,
    private readonly actions: PointerActions,
  ) {}

  #down(event: PointerEvent): void {
    if (event.button > 2) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    const [x, y] = at(event);
    this.#last = [x, y];
    this.#drag = event.button !== 0 || event.ctrlKey || event.metaKey ? 'pan' : 'area';
    this.area = this.#drag === 'area' ? [x, y] : [];
    this.#hover(null, event);
  }

  #move(event: PointerEvent): void {
    const surface = this.surface();
    if (surface === null) return;
    const [x, y] = at(event);
    if (this.#drag === 'pan') {
      const panel = panelAt(surface, x, y) ?? surface.panels[0];
      if (panel) surface.setZoom(panBy(surface.zoom, x - this.#last[0], y - this.#last[1], panel));
      this.#last = [x, y];
    } else if (this.#drag === 'area') {
      const [x0, y0] = [this.area[0]!, this.area[1]!];
      if (this.shape === 'lasso') this.area.push(x, y);
      else this.area = [x0, y0, x, y0, x, y, x0, y];
      surface.ask();
    } else {
      this.#hover(rowAt(surface, x, y), event);
    }
  }

  #up(event: PointerEvent): void {
    const surface = this.surface();
    const drag = this.#drag;
    const area = this.area;
    this.#drag = null;
    this.area = [];
    if (surface === null || drag !== 'area') return;
    if (polygonExtent(area) > CLICK) {
      this.actions.choose(rowsIn(surface, area), event.shiftKey, true);
    } else {
      const row = rowAt(surface, ...at(event));
      this.actions.choose(row === null ? [] : [row], event.shiftKey, false);
    }
    surface.ask();
  }

  #leave(event: PointerEvent): void {
    if (this.#drag === null) this.#hover(null, event);
  }

  #wheel(event: WheelEvent): void {
    const surface = this.surface();
    if (surface === null) return;
    event.preventDefault();
    const [x, y] = at(event);
    const panel = panelAt(surface, x, y);
    if (panel) surface.setZoom(zoomAt(surface.zoom, Math.exp(-event.deltaY * WHEEL), x - panel.x, y - panel.y, panel));
  }

  reset(): void {
    this.surface()?.setZoom(NO_ZOOM);
  }

  /** Whether the key did anything. */
  key(event: KeyboardEvent): boolean {
    const surface = this.surface();
    if (surface === null || event.ctrlKey || event.metaKey || event.altKey) return false;
    const direction = ARROWS[event.key];
    if (direction) {
      this.hover = nextRow(surface, this.hover, direction);
      surface.ask();
    } else if (event.key === 'Enter' && this.hover !== null) {
      this.actions.choose([this.hover], event.shiftKey, false);
    } else if (event.key === '+' || event.key === '=') {
      this.zoomBy(KEY_ZOOM);
    } else if (event.key === '-') {
      this.zoomBy(1 / KEY_ZOOM);
    } else if (event.key === '0') {
      this.reset();
    } else {
      return false;
    }
    return true;
  }

  /** Zooms about the middle. */
  zoomBy(factor: number): void {
    const surface = this.surface();
    const panel = surface?.panels[0];
    if (surface && panel) surface.setZoom(zoomAt(surface.zoom, factor, panel.width / 2, panel.height / 2, panel));
  }

  #hover(row: number | null, event: MouseEvent): void {
    const changed = row !== this.hover;
    this.hover = row;
    this.actions.hovered(row, event.clientX, event.clientY);
    if (changed) this.surface()?.ask();
  }
}

function at(event: MouseEvent): [number, number] {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function panelAt(surface: MapSurface, x: number, y: number): MapPanel | null {
  return (
    surface.panels.find(
      (panel) => x >= panel.x && y >= panel.y && x < panel.x + panel.width && y < panel.y + panel.height,
    ) ?? null
  );
}

function rowAt(surface: MapSurface, x: number, y: number): number | null {
  const panel = panelAt(surface, x, y);
  if (panel === null || surface.index === null) return null;
  const { view } = panel;
  const reachX = REACH / view.scaleX;
  const reachY = REACH / view.scaleY;
  const row = surface.index.nearest(mapX(view, x - panel.x), mapY(view, y - panel.y), reachX, reachY);
  return row < 0 ? null : row;
}

/** Rows inside of an area that was drawn in one panel. */
function rowsIn(surface: MapSurface, area: readonly number[]): Uint32Array {
  const panel = panelAt(surface, area[0]!, area[1]!);
  if (panel === null || surface.index === null) return new Uint32Array();
  const corners = area.map((value, index) =>
    index % 2 === 0 ? mapX(panel.view, value - panel.x) : mapY(panel.view, value - panel.y),
  );
  return surface.index.inPolygon(corners);
}

/** The nearest mark in a direction: distance along it counts once, across it twice. */
function nextRow(surface: MapSurface, from: number | null, [dx, dy]: readonly [number, number]): number | null {
  const { index } = surface;
  const panel = surface.panels[0];
  if (index === null || !panel || index.positions.length === 0) return null;
  const { positions } = index;
  const startX = from === null ? panel.width / 2 : screenX(panel.view, positions[2 * from]!);
  const startY = from === null ? panel.height / 2 : screenY(panel.view, positions[2 * from + 1]!);
  let best = from;
  let least = Infinity;
  for (let row = 0; row < positions.length / 2; row++) {
    const x = screenX(panel.view, positions[2 * row]!) - startX;
    const y = screenY(panel.view, positions[2 * row + 1]!) - startY;
    const along = x * dx + y * dy;
    if (from !== null && along <= 0.5) continue;
    const across = Math.abs(x * dy) + Math.abs(y * dx);
    const cost = Math.abs(along) + 2 * across;
    if (cost < least) {
      least = cost;
      best = row;
    }
  }
  return best;
}
