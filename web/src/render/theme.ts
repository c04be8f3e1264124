/** The page's tokens, read once per theme for everything that is painted rather than styled. */

import { parseColor, rampTable, type Ramp, type Rgb } from './color';

/** Hues that labels can have; more labels than this share the last colour, `ink4`. */
export const LABEL_HUES = 10;

export interface Theme {
  readonly background: Rgb;
  readonly panel: Rgb;
  readonly line: Rgb;
  readonly line2: Rgb;
  readonly ink: Rgb;
  readonly ink2: Rgb;
  readonly ink3: Rgb;
  readonly ink4: Rgb;
  readonly accent: Rgb;
  readonly ramp: Ramp;
  /** The ramp at 256 values, RGB triples. */
  readonly rampTable: Uint8Array;
  readonly labels: readonly Rgb[];
  /** Font family of the page. */
  readonly font: string;
}

/** Reads the tokens that hold at `element`. */
export function readTheme(element: Element): Theme {
  const style = getComputedStyle(element);
  const color = (name: string): Rgb => parseColor(style.getPropertyValue(`--${name}`));
  const ramp = { low: color('ramp0'), high: color('ramp1') };
  return {
    background: color('bg'),
    panel: color('panel'),
    line: color('line'),
    line2: color('line2'),
    ink: color('ink'),
    ink2: color('ink2'),
    ink3: color('ink3'),
    ink4: color('ink4'),
    accent: color('accent'),
    ramp,
    rampTable: rampTable(ramp),
    labels: Array.from({ length: LABEL_HUES }, (_, i) => color(`label${i}`)),
    font: style.getPropertyValue('--sans').trim() || 'system-ui, sans-serif',
  };
}
