/** Ties the parts together: opens a run, loads what is shown, takes what comes live, keeps the link. */

import { flushSync, untrack } from 'svelte';
import { withOverview } from '../lib/course';
import { appended, indexAt, MOST_POINTS, seriesOf } from '../lib/series';
import { api } from '../net/http';
import { Latest } from '../net/latest';
import { LiveSocket, type LiveUpdate } from '../net/live';
import type { ViewName } from '../wire';
import { announcer } from './announcer.svelte';
import { connection } from './connection.svelte';
import { layerData } from './layer.svelte';
import { readLink, writeLink, type Link } from './link';
import { redesign } from './redesign.svelte';
import { run } from './run.svelte';
import { runs } from './runs.svelte';
import { scalars } from './scalars.svelte';
import { selection } from './selection.svelte';

const POINTS = MOST_POINTS / 2;
/** Stored maps become known by asking for the course again, at most so often. */
const COURSE_MS = 15_000;
const LINK_MS = 150;

class Session {
  #socket: LiveSocket | null = null;
  #link: Link = readLink('');
  #overview = new Latest();
  #findings = new Latest();
  #description = new Latest();
  #opens = 0;
  #courseAt = 0;
  #linkTimer: ReturnType<typeof setTimeout> | null = null;

  start(): void {
    this.#link = readLink(location.hash);
    addEventListener('hashchange', () => this.#follow(readLink(location.hash)));
    const base = new URL('api/live', document.baseURI);
    base.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#socket = new LiveSocket(base.href, {
      update: (update) => this.#update(update),
      open: () => this.#opened(),
      lost: (nextTry) => {
        connection.status = 'lost';
        connection.nextTry = nextTry;
      },
      heard: () => (connection.lastHeard = Date.now()),
    });
    this.#socket.connect();
    void runs.loadStarting();
    void this.#loadRuns();
    $effect.root(() => {
      $effect(() => this.#subscribe());
      $effect(() => this.#loadWindows());
      $effect(() => this.#loadLayer());
      $effect(() => this.#loadActivations());
      $effect(() => this.#loadScalars());
      $effect(() => this.#writeLink());
    });
  }

  retryNow(): void {
    this.#socket?.connect();
  }

  openRun(id: string): void {
    if (id === run.id) return;
    this.#link = { ...readLink(''), run: id };
    this.#open(id);
  }

  async control(what: 'pause' | 'resume' | 'stop'): Promise<void> {
    if (run.id === null) return;
    try {
      await api.control(run.id, what);
    } catch (error) {
      run.error = error instanceof Error ? error.message : String(error);
    }
  }

  /** Shows an earlier step; the newest one and beyond follow the run again. */
  goTo(step: number | null): void {
    if (step === null || step >= run.step) selection.step = null;
    else selection.step = Math.max(0, Math.round(step));
  }

  /** Shows the window `by` windows later; returns whether there was one. */
  moveWindow(by: number): boolean {
    const ends = run.course?.layers[0]?.step ?? [];
    if (ends.length === 0) return false;
    const at = run.replaying ? indexAt(ends, run.shownStep) : ends.length - 1;
    const place = run.replaying && by < 0 && at >= 0 && ends[at]! < run.shownStep ? at + 1 + by : at + by;
    if (place >= ends.length) {
      this.goTo(null);
      return false;
    }
    this.goTo(place < 0 ? 0 : ends[place]!);
    return place >= 0;
  }

  async #loadRuns(): Promise<void> {
    await runs.load();
    const wanted = runs.list.some((known) => known.id === this.#link.run) ? this.#link.run : runs.preferred;
    if (run.id === null && wanted !== null) this.#open(wanted);
  }

  #opened(): void {
    const again = this.#opens > 0;
    this.#opens += 1;
    connection.status = 'open';
    connection.nextTry = null;
    if (!again) return;
    connection.generation += 1;
    announcer.say('Connection restored.');
    void this.#loadRuns();
    void runs.loadStarting();
    this.#loadDescription();
  }

  #open(id: string): void {
    this.#overview.cancel();
    this.#findings.cancel();
    layerData.clear();
    redesign.reset();
    scalars.reset();
    run.reset(id);
    selection.layer = null;
    selection.clear();
    selection.step = null;
    this.#description.cancel();
    this.#loadDescription();
  }

  /** Description, curves and course of the run; also after the connection was lost. */
  #loadDescription(): void {
    const id = run.id;
    if (id === null) return;
    this.#description.request(async (signal) => {
      try {
        const [detail, scalars, course] = await Promise.all([
          api.run(id, signal),
          api.scalars(id, POINTS, signal),
          api.course(id, signal),
        ]);
        if (signal.aborted) return;
        run.detail = detail;
        run.series = seriesOf(scalars);
        run.course = course;
        run.window = Math.max(run.window, newestWindow(course.layers));
        run.error = null;
        this.#courseAt = Date.now();
        if (selection.layer === null) this.#applyLink();
      } catch (error) {
        if (!signal.aborted) run.error = error instanceof Error ? error.message : String(error);
      }
    });
  }

  #applyLink(): void {
    const link = this.#link;
    const named = run.layers.find((layer) => layer.name === link.layer);
    const hidden = run.layers.filter((layer) => !layer.output);
    const layer = named ?? hidden.at(-1) ?? run.layers[0];
    if (layer === undefined) return;
    selection.layer = layer.index;
    selection.step = link.step !== null && link.step < run.step ? link.step : null;
    selection.colour = link.colour;
    selection.order = link.order;
    selection.density = link.density;
    selection.maximised = link.view;
    selection.scalars = link.scalars;
    if (named === undefined) return;
    selection.filters = link.filters.filter((filter) => filter < layer.filters);
    selection.instances = link.instances;
    selection.isolated = link.label;
    selection.overlay = link.overlay === 'filter' && selection.filter === null ? 'label' : link.overlay;
  }

  /** Another address was entered, or the browser went back. */
  #follow(link: Link): void {
    this.#link = link;
    if (link.run !== null && link.run !== run.id) this.#open(link.run);
    else this.#applyLink();
  }

  #subscribe(): void {
    const id = run.id;
    // Curves first: the server then goes on from where they end.
    if (id === null || run.detail === null) {
      this.#socket?.subscribe({ type: 'unsubscribe' });
      return;
    }
    const views: ViewName[] = ['overview'];
    if (!run.replaying) {
      views.push('layer', 'filter_map', 'input_map');
      if (layerData.needsActivations) views.push('activations');
    }
    const layer = selection.layer;
    const since = untrack(() => run.series.step.at(-1) ?? 0);
    this.#socket?.subscribe({ type: 'subscribe', run: id, layer, views, since });
  }

  /** The overview and findings of the step that is shown. Live, they come by themselves after the first. */
  #loadWindows(): void {
    const id = run.id;
    const at = selection.step;
    void connection.generation;
    if (id === null || run.detail === null) return;
    untrack(() => {
      this.#requestOverview(id, at);
      this.#requestFindings(id, at);
    });
  }

  #requestOverview(id: string, at: number | null): void {
    this.#overview.request(async (signal) => {
      const overview = await api.overview(id, at, signal).catch(nothing);
      if (overview !== null && !signal.aborted && this.#wanted(at)) run.overview = overview;
    });
  }

  #requestFindings(id: string, at: number | null): void {
    this.#findings.request(async (signal) => {
      const found = await api.findings(id, at, signal).catch(nothing);
      if (found === null || signal.aborted || !this.#wanted(at)) return;
      run.findings = found.findings;
      // Step 0: no window is complete yet.
      run.findingsStep = found.step > 0 ? found.step : null;
      if (at === null || redesign.reply === null) redesign.refresh();
    });
  }

  /** Whether what was asked for is still of use: a replay shows the steps on its way, but nothing live. */
  #wanted(at: number | null): boolean {
    return (at === null) === (selection.step === null);
  }

  #loadLayer(): void {
    const id = run.id;
    const layer = selection.layer;
    const at = selection.step;
    void connection.generation;
    if (id === null || layer === null) return;
    untrack(() => {
      const known = layerData.detail.value ?? layerData.inputMap.value;
      if (known !== null && (known.layer !== layer || known.run !== id)) layerData.clear();
      layerData.load(id, layer, at);
    });
  }

  #loadActivations(): void {
    const id = run.id;
    const layer = selection.layer;
    if (id === null || layer === null || !layerData.needsActivations) return;
    const at = selection.step;
    untrack(() => {
      if (layerData.mapActivations === null) layerData.activations.load(id, layer, at);
    });
  }

  /** TensorBoard's scalars; again where the connection was lost, or others are chosen. */
  #loadScalars(): void {
    const id = run.id;
    const chosen = selection.scalars;
    void connection.generation;
    if (id === null || run.detail === null) return;
    untrack(() => scalars.load(id, chosen));
  }

  #update(update: LiveUpdate): void {
    const begin = performance.now();
    flushSync(() => this.#take(update));
    // Seen in the browser's profiler and by the tests; cleared, or a day's worth would pile up.
    performance.measure('deepeyes:live-update', { start: begin, end: performance.now() });
    performance.clearMeasures('deepeyes:live-update');
  }

  #take(update: LiveUpdate): void {
    if (update.runsChanged) void this.#loadRuns();
    if (update.error !== null) run.error = update.error;
    if (update.scalarsMissed) this.#loadDescription();
    for (const scalars of update.scalars) {
      if (scalars.run === run.id) run.series = appended(run.series, scalars);
    }
    if (update.run !== null && update.run.run === run.id) {
      const before = run.phase;
      if (scalars.due) scalars.load(run.id, selection.scalars);
      run.live = update.run;
      if (run.phase !== before) this.#phaseChanged();
    }
    const { overview } = update;
    if (overview !== null && overview.run === run.id) {
      if (run.course !== null) run.course = withOverview(run.course, overview);
      run.window = Math.max(run.window, overview.step);
      if (!run.replaying) {
        run.overview = overview;
        if (overview.findings_changed || run.findingsStep === null) this.#requestFindings(run.id, null);
      }
      this.#refreshCourse();
    }
    for (const frame of update.frames) {
      if (frame.run === run.id && frame.layer === selection.layer && !run.replaying) layerData.take(frame);
    }
  }

  #phaseChanged(): void {
    announcer.say(`${run.detail?.name ?? 'Run'}: ${run.phase}.`);
    if (run.phase === 'finished' || run.phase === 'stopped' || run.phase === 'interrupted') this.#loadDescription();
  }

  #refreshCourse(): void {
    const id = run.id;
    if (id === null || Date.now() - this.#courseAt < COURSE_MS) return;
    this.#courseAt = Date.now();
    void api.course(id).then(
      (course) => {
        if (run.id === id && newestWindow(course.layers) >= run.window) run.course = course;
        else if (run.id === id && run.course !== null) run.course = { ...run.course, map_steps: course.map_steps };
      },
      () => undefined,
    );
  }

  #writeLink(): void {
    const link = writeLink({
      run: run.id,
      layer: run.layer?.name ?? null,
      step: selection.step,
      filters: [...selection.filters],
      instances: selection.instances,
      overlay: selection.overlay,
      colour: selection.colour,
      order: selection.order,
      label: selection.isolated,
      scalars: selection.scalars,
      density: selection.density,
      view: selection.maximised,
    });
    if (run.layer === null) return;
    if (this.#linkTimer !== null) clearTimeout(this.#linkTimer);
    this.#linkTimer = setTimeout(() => history.replaceState(null, '', `#${link}`), LINK_MS);
  }
}

/** No window yet, or no connection: what is shown stays. */
function nothing(): null {
  return null;
}

function newestWindow(layers: { step: number[] }[]): number {
  return layers.reduce((newest, layer) => Math.max(newest, layer.step.at(-1) ?? 0), 0);
}

export const session = new Session();
