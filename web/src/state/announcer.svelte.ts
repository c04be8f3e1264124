/** What a screen reader is told: politely, and at most one thing every ten seconds. */

const PAUSE_MS = 10_000;

class Announcer {
  text = $state('');
  #waiting: string | null = null;
  #free = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  say(text: string): void {
    this.#waiting = text;
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#speak(), Math.max(0, this.#free - Date.now()));
  }

  #speak(): void {
    this.#timer = null;
    if (this.#waiting === null) return;
    this.text = this.#waiting;
    this.#waiting = null;
    this.#free = Date.now() + PAUSE_MS;
  }
}

export const announcer = new Announcer();
