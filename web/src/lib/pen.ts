/** What charts draw with: the part of a 2-D canvas context that they use, on screen or as SVG. */

export type Pen = Pick<
  CanvasRenderingContext2D,
  | 'beginPath'
  | 'moveTo'
  | 'lineTo'
  | 'arc'
  | 'closePath'
  | 'fill'
  | 'stroke'
  | 'fillRect'
  | 'strokeRect'
  | 'fillText'
  | 'fillStyle'
  | 'strokeStyle'
  | 'lineWidth'
  | 'globalAlpha'
  | 'font'
  | 'textAlign'
  | 'textBaseline'
>;

const ANCHORS: Record<CanvasTextAlign, string> = {
  left: 'start',
  start: 'start',
  right: 'end',
  end: 'end',
  center: 'middle',
};

/** Writes what is drawn as SVG. */
export class SvgPen implements Pen {
  fillStyle: Pen['fillStyle'] = '#000';
  strokeStyle: Pen['strokeStyle'] = '#000';
  lineWidth = 1;
  globalAlpha = 1;
  font = '11px sans-serif';
  textAlign: CanvasTextAlign = 'left';
  textBaseline: CanvasTextBaseline = 'alphabetic';
  #path: string[] = [];
  #left = 0;
  #top = 0;
  readonly #elements: string[] = [];

  constructor(
    readonly width: number,
    readonly height: number,
  ) {}

  /** Moves the origin of what is drawn from now on. */
  shift(x: number, y: number): void {
    this.#left += x;
    this.#top += y;
  }

  beginPath(): void {
    this.#path = [];
  }

  moveTo(x: number, y: number): void {
    this.#path.push(`M${point(x, y)}`);
  }

  lineTo(x: number, y: number): void {
    this.#path.push(`${this.#path.length === 0 ? 'M' : 'L'}${point(x, y)}`);
  }

  /** Whole circles only: all that the charts need. */
  arc(x: number, y: number, radius: number): void {
    const r = short(radius);
    this.#path.push(
      `M${point(x - radius, y)}a${r} ${r} 0 1 0 ${short(2 * radius)} 0a${r} ${r} 0 1 0 ${short(-2 * radius)} 0`,
    );
  }

  closePath(): void {
    this.#path.push('Z');
  }

  fill(): void {
    this.#add(`<path d="${this.#path.join('')}" ${this.#filled()}/>`);
  }

  stroke(): void {
    this.#add(`<path d="${this.#path.join('')}" ${this.#stroked()}/>`);
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    this.#add(`<rect ${box(x, y, width, height)} ${this.#filled()}/>`);
  }

  strokeRect(x: number, y: number, width: number, height: number): void {
    this.#add(`<rect ${box(x, y, width, height)} ${this.#stroked()}/>`);
  }

  fillText(text: string, x: number, y: number): void {
    const size = Number(/([\d.]+)px/.exec(this.font)?.[1] ?? 11);
    const weight = /^\s*(\d{3})\b/.exec(this.font)?.[1] ?? '400';
    const shift = this.textBaseline === 'middle' ? size * 0.36 : 0;
    this.#add(
      `<text x="${short(x)}" y="${short(y + shift)}" font-size="${size}" font-weight="${weight}" ` +
        `text-anchor="${ANCHORS[this.textAlign]}" ${this.#filled()}>${escaped(text)}</text>`,
    );
  }

  /** The picture, on a ground of its own so that it reads on any page. */
  toString(ground: string): string {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" ` +
      `viewBox="0 0 ${this.width} ${this.height}" font-family="Inter, system-ui, sans-serif">` +
      `<rect width="100%" height="100%" fill="${ground}"/>${this.#elements.join('')}</svg>\n`
    );
  }

  #add(element: string): void {
    const moved = this.#left !== 0 || this.#top !== 0;
    this.#elements.push(
      moved ? `<g transform="translate(${short(this.#left)} ${short(this.#top)})">${element}</g>` : element,
    );
  }

  #filled(): string {
    return `fill="${String(this.fillStyle)}"${this.#faded()}`;
  }

  #stroked(): string {
    return `fill="none" stroke="${String(this.strokeStyle)}" stroke-width="${short(this.lineWidth)}"${this.#faded()}`;
  }

  #faded(): string {
    return this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : '';
  }
}

function point(x: number, y: number): string {
  return `${short(x)} ${short(y)}`;
}

function box(x: number, y: number, width: number, height: number): string {
  return `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
