/** The run that is looked at: its description, curves, layers and findings. */

import type { Overview } from '../net/http';
import { emptySeries, type Series } from '../lib/series';
import type { Course, Finding, LayerInfo, LayerSummary, RunDetail, RunMessage } from '../wire';
import { connection } from './connection.svelte';
import { selection } from './selection.svelte';

export type Phase =
  'none' | 'loading' | 'starting' | 'training' | 'paused' | 'finished' | 'stopped' | 'interrupted' | 'disconnected';

class Run {
  id = $state<string | null>(null);
  detail = $state.raw<RunDetail | null>(null);
  /** The last live message. */
  live = $state.raw<RunMessage | null>(null);
  series = $state.raw<Series>(emptySeries());
  course = $state.raw<Course | null>(null);
  /** The windows at the step that is shown. */
  overview = $state.raw<Overview | null>(null);
  findings = $state.raw<Finding[]>([]);
  /** The step that the findings are of; `null` before any. */
  findingsStep = $state<number | null>(null);
  error = $state<string | null>(null);
  /** The newest window's end; moves on while training. */
  window = $state(0);

  /** The newest step. */
  get step(): number {
    return Math.max(this.live?.step ?? 0, this.detail?.step ?? 0);
  }

  get iterations(): number | null {
    return this.live?.iterations ?? this.detail?.iterations ?? null;
  }

  /** The step that the views show. */
  get shownStep(): number {
    return selection.step ?? this.step;
  }

  get replaying(): boolean {
    return selection.step !== null;
  }

  get layers(): LayerInfo[] {
    return this.detail?.layers ?? [];
  }

  /** The chosen layer. */
  get layer(): LayerInfo | null {
    return this.layers.find((layer) => layer.index === selection.layer) ?? null;
  }

  get classes(): string[] {
    return this.detail?.classes ?? [];
  }

  get phase(): Phase {
    if (this.id === null) return 'none';
    if (this.detail === null) return 'loading';
    const status = this.live?.status ?? this.detail.status;
    if (status !== 'running') return status;
    if (connection.status === 'lost') return 'disconnected';
    if (this.live?.paused ?? this.detail.paused) return 'paused';
    return this.step === 0 ? 'starting' : 'training';
  }

  /** The chosen layer's window at the step that is shown. */
  get summary(): LayerSummary | null {
    return this.summaryOf(selection.layer);
  }

  summaryOf(layer: number | null): LayerSummary | null {
    return this.overview?.layers.find((summary) => summary.layer === layer) ?? null;
  }

  /** Forgets everything of the run before. */
  reset(id: string | null): void {
    this.id = id;
    this.detail = null;
    this.live = null;
    this.series = emptySeries();
    this.course = null;
    this.overview = null;
    this.findings = [];
    this.findingsStep = null;
    this.error = null;
    this.window = 0;
  }
}

export const run = new Run();
