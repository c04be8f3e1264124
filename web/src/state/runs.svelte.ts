/** The runs that the server knows, and what a new one can use. */

import { api } from '../net/http';
import type { RunSummary, Starting } from '../wire';

class Runs {
  list = $state.raw<RunSummary[]>([]);
  /** `false` until the first list has come. */
  loaded = $state(false);
  error = $state<string | null>(null);
  /** `null` where this server starts no training. */
  starting = $state.raw<Starting | null>(null);

  async load(): Promise<void> {
    try {
      this.list = await api.runs();
      this.error = null;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
    this.loaded = true;
  }

  async loadStarting(): Promise<void> {
    this.starting = await api.starting().catch(() => null);
  }

  /** The run to open when nobody asked for another: one that trains, else the newest that can be read. */
  get preferred(): string | null {
    const readable = this.list.filter((run) => run.error === null);
    const newest = (list: RunSummary[]) => [...list].sort((a, b) => b.created - a.created)[0]?.id ?? null;
    return newest(readable.filter((run) => run.status === 'running')) ?? newest(readable);
  }
}

export const runs = new Runs();
