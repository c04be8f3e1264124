/** Requests to the server; all addresses are relative to the page, so that a path prefix works. */

import type {
  Course,
  DrillRequest,
  Findings,
  NewRun,
  OverviewMessage,
  PlanAction,
  PlanReply,
  RunDetail,
  RunSummary,
  Scalars,
  Starting,
  Tensorboard,
} from '../wire';
import { parseFrame, type Frame } from './frame';

/** Each layer's window at a step. */
export type Overview = Omit<OverviewMessage, 'run' | 'findings_changed'>;

/** A request that failed: `status` 0 = no answer at all. */
export class RequestError extends Error {
  override name = 'RequestError';
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

type Query = Record<string, string | number | null | undefined>;

function address(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const text = pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return text ? `api/${path}?${text}` : `api/${path}`;
}

async function request(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new RequestError('The server does not answer.', 0);
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => '');
  throw new RequestError(errorText(text) ?? `The server answered ${response.status}.`, response.status);
}

function errorText(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? error : null;
  } catch {
    return null;
  }
}

async function json<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const response = await request(address(path, query), signal ? { signal } : {});
  return (await response.json()) as T;
}

async function post(path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  return request(address(path), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: signal ?? null,
  });
}

async function frame(path: string, query: Query = {}, signal?: AbortSignal): Promise<Frame> {
  const response = await request(address(path, query), signal ? { signal } : {});
  return parseFrame(await response.arrayBuffer());
}

export type LayerFrameName = 'detail' | 'filter_map' | 'input_map' | 'activations';

export const api = {
  runs: async (): Promise<RunSummary[]> => (await json<{ runs: RunSummary[] }>('runs')).runs,
  run: (id: string, signal?: AbortSignal) => json<RunDetail>(`runs/${id}`, {}, signal),
  scalars: (id: string, points: number, signal?: AbortSignal) =>
    json<Scalars>(`runs/${id}/scalars`, { points }, signal),
  course: (id: string, signal?: AbortSignal) => json<Course>(`runs/${id}/course`, {}, signal),
  overview: (id: string, at: number | null, signal?: AbortSignal) =>
    json<Overview>(`runs/${id}/overview`, { at }, signal),
  findings: (id: string, at: number | null, signal?: AbortSignal) =>
    json<Findings>(`runs/${id}/findings`, { at }, signal),
  /** TensorBoard's scalars beside the run, all or those of one tag, of at most so many points; 0: their names alone. */
  tensorboard: (id: string, tag: string | null, points: number, signal?: AbortSignal) =>
    json<Tensorboard>(`runs/${id}/tensorboard`, { tag, points }, signal),
  suggestedPlan: (id: string) => json<PlanReply>(`runs/${id}/plan`),
  plan: async (id: string, actions: PlanAction[]): Promise<PlanReply> =>
    (await (await post(`runs/${id}/plan`, { actions })).json()) as PlanReply,
  control: async (id: string, what: 'pause' | 'resume' | 'stop'): Promise<void> => {
    await post(`runs/${id}/${what}`);
  },
  /** What a new training can use; `null` where this server starts none. */
  starting: async (): Promise<Starting | null> => {
    try {
      return await json<Starting>('starting');
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return null;
      throw error;
    }
  },
  start: async (run: NewRun): Promise<string> => ((await (await post('runs', run)).json()) as { id: string }).id,
  layerFrame: (id: string, layer: number, name: LayerFrameName, at: number | null, signal?: AbortSignal) =>
    frame(
      `runs/${id}/layers/${layer}/${name}`,
      name === 'activations' ? { at, instances: 'input_map' } : { at },
      signal,
    ),
  /** The map of chosen instances, with their activations. */
  drill: async (id: string, layer: number, chosen: DrillRequest, signal?: AbortSignal): Promise<Frame> =>
    parseFrame(await (await post(`runs/${id}/layers/${layer}/drill`, chosen, signal)).arrayBuffer()),
  weights: (id: string, layer: number, at: number | null) => frame(`runs/${id}/layers/${layer}/weights`, { at }),
  /** Patches of instances, cropped to the receptive field; `items` = `input:row:column`. */
  patches: (id: string, layer: number, at: number | null, items: string[], signal?: AbortSignal) =>
    frame(`runs/${id}/layers/${layer}/patches`, { at, items: items.join(',') }, signal),
  /** A whole input image. */
  input: (id: string, input: number, signal?: AbortSignal) => frame(`runs/${id}/inputs/${input}`, {}, signal),
};
