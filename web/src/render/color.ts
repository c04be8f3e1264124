/** Colours as numbers: what the canvases and the GPU need of the page's tokens. */

/** Red, green, blue in [0, 255]. */
export type Rgb = readonly [number, number, number];

/** Both ends of the activation ramp, ink on paper. */
export interface Ramp {
  readonly low: Rgb;
  readonly high: Rgb;
}

/** Bends the ramp so that weak activations are told apart. */
const RAMP_EXPONENT = 0.85;

/** Reads `#rgb` or `#rrggbb`; anything else is black. */
export function parseColor(text: string): Rgb {
  const hex = text.trim().replace('#', '');
  const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex;
  const value = Number.parseInt(full, 16);
  if (full.length !== 6 || Number.isNaN(value)) return [0, 0, 0];
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** The ramp at `value` in [0, 1] (clamped): sRGB interpolation at value^0.85. */
export function rampColor(ramp: Ramp, value: number): Rgb {
  const share = Math.pow(Math.min(1, Math.max(0, value || 0)), RAMP_EXPONENT);
  return [0, 1, 2].map((i) => Math.round(ramp.low[i]! + (ramp.high[i]! - ramp.low[i]!) * share)) as unknown as Rgb;
}

/** The ramp at 0, 1/255 … 1, as RGB triples: one look-up a cell instead of a power. */
export function rampTable(ramp: Ramp): Uint8Array {
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) table.set(rampColor(ramp, i / 255), i * 3);
  return table;
}

export function cssColor([red, green, blue]: Rgb, alpha = 1): string {
  return alpha >= 1 ? `rgb(${red},${green},${blue})` : `rgba(${red},${green},${blue},${alpha})`;
}

/** Relative luminance in [0, 1] (WCAG 2). */
export function luminance(color: Rgb): number {
  const [red, green, blue] = color.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2). */
export function contrast(a: Rgb, b: Rgb): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const DARK_TEXT: Rgb = [16, 19, 26];
const LIGHT_TEXT: Rgb = [255, 255, 255];

/** Dark or light text, whichever reads better on `background`. */
export function textOn(background: Rgb): Rgb {
  return contrast(DARK_TEXT, background) >= contrast(LIGHT_TEXT, background) ? DARK_TEXT : LIGHT_TEXT;
}
