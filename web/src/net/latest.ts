/**
 * Requests of which only the newest matters: one runs, one waits, what comes between is dropped. A slider that is
 * dragged thus shows pictures on its way and ends on the right one.
 */
export class Latest {
  #running: AbortController | null = null;
  #waiting: ((signal: AbortSignal) => Promise<void>) | null = null;

  /** Runs `task` as soon as the one that runs has ended. Tasks handle their own errors. */
  request(task: (signal: AbortSignal) => Promise<void>): void {
    if (this.#running === null) void this.#run(task);
    else this.#waiting = task;
  }

  /** Runs `task` now and gives up what runs or waits. */
  replace(task: (signal: AbortSignal) => Promise<void>): void {
    this.cancel();
    void this.#run(task);
  }

  cancel(): void {
    this.#waiting = null;
    this.#running?.abort();
    this.#running = null;
  }

  async #run(task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const controller = new AbortController();
    this.#running = controller;
    try {
      await task(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    } finally {
      if (this.#running === controller) {
        this.#running = null;
        const next = this.#waiting;
        this.#waiting = null;
        if (next) void this.#run(next);
      }
    }
  }
}
