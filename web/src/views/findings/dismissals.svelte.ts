/** Findings that the viewer does not want to see again, by run; as long as the page lives. */

import { run } from '../../state';

class Dismissals {
  #byRun = $state.raw<ReadonlyMap<string, ReadonlySet<string>>>(new Map());

  has(key: string): boolean {
    return this.#byRun.get(run.id ?? '')?.has(key) ?? false;
  }

  add(key: string): void {
    this.#set(new Set([...(this.#byRun.get(run.id ?? '') ?? []), key]));
  }

  /** Brings them all back. */
  clear(): void {
    this.#set(new Set());
  }

  #set(keys: ReadonlySet<string>): void {
    this.#byRun = new Map([...this.#byRun, [run.id ?? '', keys]]);
  }
}

export const dismissals = new Dismissals();
