/** The redesign that is being planned: changes taken from findings, and what they cost and save. */

import { api } from '../net/http';
import { Latest } from '../net/latest';
import type { Finding, PlanAction, PlanReply } from '../wire';
import { run } from './run.svelte';

/** A planned change and the finding that it came from. */
export interface PlannedChange {
  /** The finding's layer and kind: a layer has one finding of a kind, whatever the step. */
  key: string;
  /** The reason in a few words. */
  why: string;
  actions: PlanAction[];
}

class Redesign {
  changes = $state.raw<readonly PlannedChange[]>([]);
  /** The server's count for the changes; `null` until it is there. */
  reply = $state.raw<PlanReply | null>(null);
  /** What the findings of the run suggest. */
  suggested = $state.raw<PlanAction[]>([]);
  error = $state<string | null>(null);
  readonly #latest = new Latest();

  get actions(): PlanAction[] {
    return this.changes.flatMap((change) => change.actions);
  }

  /** The changes that a finding asks for; empty where it asks for none. */
  actionsFor(finding: Finding): PlanAction[] {
    const kinds = ACTIONS_OF[finding.kind] ?? [];
    return this.suggested.filter((action) => {
      if (action.layer !== finding.layer || !kinds.includes(action.action)) return false;
      return finding.filters === null || !action.filters || sharesFilter(action.filters, finding.filters);
    });
  }

  has(finding: Finding): boolean {
    const key = keyOf(finding);
    return this.changes.some((change) => change.key === key);
  }

  add(finding: Finding): void {
    const actions = this.actionsFor(finding);
    if (actions.length === 0 || this.has(finding)) return;
    this.#set([...this.changes, { key: keyOf(finding), why: finding.kind.replaceAll('_', ' '), actions }]);
  }

  remove(key: string): void {
    this.#set(this.changes.filter((change) => change.key !== key));
  }

  clear(): void {
    this.#set([]);
  }

  /** Gives a change that resizes its layer another size. */
  resize(key: string, size: number): void {
    if (!Number.isInteger(size) || size < 1) return;
    const resized = (change: PlannedChange): PlannedChange => ({
      ...change,
      actions: change.actions.map((action) => (action.action === 'resize_layer' ? { ...action, size } : action)),
    });
    this.#set(this.changes.map((change) => (change.key === key ? resized(change) : change)));
  }

  /** Forgets the run before. */
  reset(): void {
    this.#latest.cancel();
    this.changes = [];
    this.reply = null;
    this.suggested = [];
    this.error = null;
  }

  /** Asks what the findings suggest and counts the plan; after new findings. */
  refresh(): void {
    const id = run.id;
    if (id === null) return;
    this.#latest.request(async (signal) => {
      try {
        const suggested = (await api.suggestedPlan(id)).plan.actions;
        if (signal.aborted) return;
        this.suggested = suggested;
        const reply = await api.plan(id, this.actions);
        if (signal.aborted) return;
        this.reply = reply;
        this.error = null;
      } catch (error) {
        if (!signal.aborted) this.error = error instanceof Error ? error.message : String(error);
      }
    });
  }

  #set(changes: readonly PlannedChange[]): void {
    this.changes = changes;
    this.refresh();
  }
}

const ACTIONS_OF: Partial<Record<Finding['kind'], PlanAction['action'][]>> = {
  dead: ['remove_filters'],
  always_on: ['remove_filters'],
  redundant: ['merge_filters'],
  oversized: ['resize_layer'],
  unnecessary_layer: ['remove_layer'],
  missing_layer: ['add_layer'],
};

/** A finding's identity from window to window. */
export function keyOf(finding: Finding): string {
  const blank = finding.evidence['blank'] === 1 ? '/blank' : '';
  return `${finding.layer ?? ''}/${finding.kind}${blank}`;
}

function sharesFilter(some: readonly number[], others: readonly number[]): boolean {
  const set = new Set(others);
  return some.some((filter) => set.has(filter));
}

export const redesign = new Redesign();
