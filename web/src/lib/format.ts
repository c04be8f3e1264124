/** Numbers and names as the page writes them. */

const SPACE = '\u00a0';
const EN_DASH = '\u2013';
const MINUS = '\u2212';

/** `368,640`; a minus is a minus. */
export function integer(value: number | null | undefined): string {
  if (!known(value)) return EN_DASH;
  return signed(Math.round(value).toLocaleString('en-US'));
}

/** `2.29 M`, `400 k`, `812`. */
export function compact(value: number | null | undefined): string {
  if (!known(value)) return EN_DASH;
  if (Math.abs(value) >= 1e9) return `${(value / 1e9).toFixed(2)}${SPACE}G`;
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toFixed(2)}${SPACE}M`;
  if (Math.abs(value) >= 1e4) return `${(value / 1e3).toFixed(0)}${SPACE}k`;
  return integer(value);
}

/** `97.3 %` of a share in [0, 1]. */
export function percent(share: number | null | undefined, digits = 1): string {
  return known(share) ? signed(`${(share * 100).toFixed(digits)}${SPACE}%`) : EN_DASH;
}

export function fixed(value: number | null | undefined, digits: number): string {
  return known(value) ? signed(value.toFixed(digits)) : EN_DASH;
}

/** Three significant digits, without exponents where they can be helped. */
export function significant(value: number | null | undefined, digits = 3): string {
  if (!known(value)) return EN_DASH;
  const size = Math.abs(value);
  if (size >= 10 ** digits) return integer(value);
  if (size !== 0 && size < 1e-4) return signed(value.toExponential(digits - 1));
  return signed(String(Number(value.toPrecision(digits))));
}

/** `41 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (!known(seconds)) return EN_DASH;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return join(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86_400) return join(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return join(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3600), 'h');
}

/** `just now`, `5 min ago`, else a date. */
export function ago(unixSeconds: number, now = Date.now() / 1000): string {
  const seconds = now - unixSeconds;
  if (seconds < 45) return 'just now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return new Date(unixSeconds * 1000).toISOString().slice(0, 10);
}

/** `1 filter`, `20 filters`. */
export function count(value: number, singular: string, plural = `${singular}s`): string {
  return `${integer(value)} ${value === 1 ? singular : plural}`;
}

function known(value: number | null | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function signed(text: string): string {
  return text.replace('-', MINUS);
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
