/** Time: at most one drawing a frame, and smooth ways from one state to the next. */

/** Length of the way from an old map to a new one. */
export const TRANSITION_MS = 200;

export function prefersReducedMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** Calls `draw` once in the next frame, however often it is asked; `active` keeps it going frame by frame. */
export class FrameLoop {
  #request = 0;
  #disposed = false;

  /** `draw` gets the frame's time, milliseconds, and returns whether it wants another frame. */
  constructor(private readonly draw: (now: number) => boolean) {}

  ask(): void {
    if (this.#request || this.#disposed) return;
    this.#request = requestAnimationFrame((now) => {
      this.#request = 0;
      if (this.draw(now)) this.ask();
    });
  }

  dispose(): void {
    this.#disposed = true;
    cancelAnimationFrame(this.#request);
    this.#request = 0;
  }
}

/** A share of the way from 0 to 1 over time, slowing towards the end. */
export class Transition {
  #begin = -Infinity;
  #duration = 0;

  start(now: number, duration = TRANSITION_MS): void {
    this.#begin = now;
    this.#duration = prefersReducedMotion() ? 0 : duration;
  }

  running(now: number): boolean {
    return now < this.#begin + this.#duration;
  }

  at(now: number): number {
    if (this.#duration <= 0) return 1;
    const share = Math.min(1, Math.max(0, (now - this.#begin) / this.#duration));
    return 1 - (1 - share) ** 3;
  }
}
