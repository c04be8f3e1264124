/** Mouse and keys on the map: point, lasso, zoom, pan, and moving from mark to mark. */

import { ARROWS } from '../../lib/arrows';
import { polygonExtent } from '../../render/polygon';
import { mapX, mapY, NO_ZOOM, panBy, screenX, screenY, zoomAt } from '../../render/transform';
import type { Scene, ScenePanel } from './scene';

/** A point answers within this distance, CSS pixels. */
const REACH = 10;
/** Smaller movements are a click. */
const CLICK = 6;
const WHEEL = 0.0016;
const KEY_ZOOM = 1.4;

/** How the mouse marks an area. */
export type AreaShape = 'lasso' | 'box';

export interface PointerActions {
  /** Rows in an area, or the one that was clicked; none = an empty place was clicked. */
  choose(rows: Iterable<number>, add: boolean): void;
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

  constructor(
    private readonly scene: () => Scene | null,
    private readonly actions: PointerActions,
  ) {}

  down(event: PointerEvent): void {
    if (event.button > 2) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    const [x, y] = at(event);
    this.#last = [x, y];
    this.#drag = event.button !== 0 || event.ctrlKey || event.metaKey ? 'pan' : 'area';
    this.area = this.#drag === 'area' ? [x, y] : [];
    this.#hover(null, event);
  }

  move(event: PointerEvent): void {
    const scene = this.scene();
    if (scene === null) return;
    const [x, y] = at(event);
    if (this.#drag === 'pan') {
      const panel = panelAt(scene, x, y) ?? scene.panels[0];
      if (panel) scene.setZoom(panBy(scene.zoom, x - this.#last[0], y - this.#last[1], panel));
      this.#last = [x, y];
    } else if (this.#drag === 'area') {
      const [x0, y0] = [this.area[0]!, this.area[1]!];
      if (this.shape === 'lasso') this.area.push(x, y);
      else this.area = [x0, y0, x, y0, x, y, x0, y];
      scene.ask();
    } else {
      this.#hover(rowAt(scene, x, y), event);
    }
  }

  up(event: PointerEvent): void {
    const scene = this.scene();
    const drag = this.#drag;
    const area = this.area;
    this.#drag = null;
    this.area = [];
    if (scene === null || drag !== 'area') return;
    if (polygonExtent(area) > CLICK) {
      this.actions.choose(rowsIn(scene, area), event.shiftKey);
    } else {
      const row = rowAt(scene, ...at(event));
      this.actions.choose(row === null ? [] : [row], event.shiftKey);
    }
    scene.ask();
  }

  leave(event: PointerEvent): void {
    if (this.#drag === null) this.#hover(null, event);
  }

  wheel(event: WheelEvent): void {
    const scene = this.scene();
    if (scene === null) return;
    event.preventDefault();
    const [x, y] = at(event);
    const panel = panelAt(scene, x, y);
    if (panel) scene.setZoom(zoomAt(scene.zoom, Math.exp(-event.deltaY * WHEEL), x - panel.x, y - panel.y, panel));
  }

  reset(): void {
    this.scene()?.setZoom(NO_ZOOM);
  }

  /** Whether the key did anything. */
  key(event: KeyboardEvent): boolean {
    const scene = this.scene();
    if (scene === null || event.ctrlKey || event.metaKey || event.altKey) return false;
    const direction = ARROWS[event.key];
    if (direction) {
      this.hover = nextRow(scene, this.hover, direction);
      scene.ask();
    } else if (event.key === 'Enter' && this.hover !== null) {
      this.actions.choose([this.hover], event.shiftKey);
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
    const scene = this.scene();
    const panel = scene?.panels[0];
    if (scene && panel) scene.setZoom(zoomAt(scene.zoom, factor, panel.width / 2, panel.height / 2, panel));
  }

  #hover(row: number | null, event: MouseEvent): void {
    const changed = row !== this.hover;
    this.hover = row;
    this.actions.hovered(row, event.clientX, event.clientY);
    if (changed) this.scene()?.ask();
  }
}

function at(event: MouseEvent): [number, number] {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function panelAt(scene: Scene, x: number, y: number): ScenePanel | null {
  return (
    scene.panels.find(
      (panel) => x >= panel.x && y >= panel.y && x < panel.x + panel.width && y < panel.y + panel.height,
    ) ?? null
  );
}

function rowAt(scene: Scene, x: number, y: number): number | null {
  const panel = panelAt(scene, x, y);
  if (panel === null || scene.index === null) return null;
  const { view } = panel;
  const reachX = REACH / view.scaleX;
  const reachY = REACH / view.scaleY;
  const row = scene.index.nearest(mapX(view, x - panel.x), mapY(view, y - panel.y), reachX, reachY);
  return row < 0 ? null : row;
}

/** Rows inside of an area that was drawn in one panel. */
function rowsIn(scene: Scene, area: readonly number[]): Uint32Array {
  const panel = panelAt(scene, area[0]!, area[1]!);
  if (panel === null || scene.index === null) return new Uint32Array();
  const corners = area.map((value, index) =>
    index % 2 === 0 ? mapX(panel.view, value - panel.x) : mapY(panel.view, value - panel.y),
  );
  return scene.index.inPolygon(corners);
}

/** The nearest mark in a direction: distance along it counts once, across it twice. */
function nextRow(scene: Scene, from: number | null, [dx, dy]: readonly [number, number]): number | null {
  const { index } = scene;
  const panel = scene.panels[0];
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
