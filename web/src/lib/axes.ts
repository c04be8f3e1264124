/** Scales and ticks of the overview's panels. */

export interface Scale {
  /** Place of a value in pixels. */
  at(value: number): number;
}

export interface LinearScale extends Scale {
  /** Value at a place. */
  inverse(pixel: number): number;
}

export function linear(low: number, high: number, from: number, to: number): LinearScale {
  const span = high - low || 1;
  return {
    at: (value) => from + ((value - low) / span) * (to - from),
    inverse: (pixel) => low + ((pixel - from) / (to - from || 1)) * span,
  };
}

/** Logarithmic; values beyond the ends are held there. */
export function logarithmic(low: number, high: number, from: number, to: number): Scale {
  const inner = linear(Math.log(low), Math.log(high), from, to);
  return { at: (value) => inner.at(Math.log(Math.min(high, Math.max(low, value)))) };
}

/** Round steps: about one tick every `spacing` pixels, at 1, 2 or 5 times a power of ten, whole numbers only. */
export function stepTicks(high: number, pixels: number, spacing: number): number[] {
  const rough = Math.max(1, (high * spacing) / Math.max(1, pixels));
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks: number[] = [];
  for (let tick = 0; tick <= high; tick += size) ticks.push(tick);
  return ticks;
}

/** Round values between two others: about one every `spacing` of `pixels`, at 1, 2 or 5 times a power of ten. */
export function linearTicks(low: number, high: number, pixels: number, spacing: number): number[] {
  const rough = ((high - low) * spacing) / Math.max(1, pixels);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks: number[] = [];
  for (let place = Math.ceil(low / size); place * size <= high; place++) {
    ticks.push(Number((place * size).toPrecision(12)));
  }
  return ticks;
}

/** Losses worth a line: powers of ten; 3, then 2 and 5 times them as far as a decade's height, pixels, has room. */
export function lossTicks(low: number, high: number, decade: number): number[] {
  const within = (factors: readonly number[]) => {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const factor of factors) {
        const tick = Number((factor * 10 ** power).toPrecision(12));
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    }
    return ticks;
  };
  const decades = within([1]);
  if (decade > 120 || decades.length === 0) return within([1, 2, 5]);
  return decade > 50 || decades.length === 1 ? within([1, 3]) : decades;
}

/** Accuracies worth a line on a log-error axis, from the lowest error up. */
export const ACCURACY_TICKS: readonly number[] = [0.5, 0.8, 0.9, 0.95, 0.97, 0.99, 0.997, 0.999, 0.9997];

/** Ticks that keep at least `spacing` pixels from those kept before them; the first have precedence. */
export function spaced(ticks: readonly number[], scale: Scale, spacing: number): number[] {
  const kept: number[] = [];
  for (const tick of ticks) {
    if (kept.every((other) => Math.abs(scale.at(other) - scale.at(tick)) >= spacing)) kept.push(tick);
  }
  return kept;
}
