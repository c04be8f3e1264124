/** The design's tokens as values, for what is drawn rather than styled. */

const NAMES = {
  bg: '--bg',
  panel: '--panel',
  panel2: '--panel2',
  line: '--line',
  line2: '--line2',
  ink: '--ink',
  ink2: '--ink2',
  ink3: '--ink3',
  ink4: '--ink4',
  accent: '--accent',
  accentInk: '--accent-ink',
  accentWeak: '--accent-weak',
  up: '--up',
  down: '--down',
  bar: '--bar',
  ramp0: '--ramp0',
  ramp1: '--ramp1',
} as const;

export type Rgb = readonly [number, number, number];

export type Palette = Record<keyof typeof NAMES, string> & {
  /** Ten label colours. */
  labels: string[];
  font: string;
  /** The activation ramp for a share in [0, 1], as a CSS colour. */
  ramp(share: number): string;
  /** The same as bytes. */
  rampRgb(share: number): Rgb;
};

/** The palette of the theme that the page has now. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  const tokens = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, value(name)]));
  const low = rgb(tokens['ramp0'] ?? '');
  const high = rgb(tokens['ramp1'] ?? '');
  const rampRgb = (share: number): Rgb => {
    const v = Math.min(1, Math.max(0, share)) ** 0.85;
    return [mix(low[0], high[0], v), mix(low[1], high[1], v), mix(low[2], high[2], v)];
  };
  return {
    ...(tokens as Record<keyof typeof NAMES, string>),
    labels: Array.from({ length: 10 }, (_, label) => value(`--label${label}`)),
    font: value('--sans'),
    rampRgb,
    ramp: (share) => `rgb(${rampRgb(share).join(' ')})`,
  };
}

/** The bytes of `#rrggbb`. */
export function rgb(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16) || 0;
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Whether dark ink reads better than white on a colour (WCAG relative luminance). */
export function wantsDarkInk(hex: string): boolean {
  const [r, g, b] = rgb(hex).map((byte) => {
    const v = byte / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3;
}

function mix(from: number, to: number, share: number): number {
  return Math.round(from + (to - from) * share);
}
