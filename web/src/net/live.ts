/** The live connection: one WebSocket that reconnects by itself and hands over the newest of everything once a frame. */

import type { ClientMessage, OverviewMessage, RunMessage, ScalarsMessage, ServerMessage } from '../wire';
import { parseFrame, type Frame } from './frame';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** A hidden tab draws nothing; beyond this many waiting messages the curves are fetched anew instead. */
const MOST_WAITING = 200;

export interface LiveHandlers {
  /** All that came since the last call, the newest of each kind. */
  update(update: LiveUpdate): void;
  open(): void;
  /** The connection is gone; the next try comes at `nextTry` (ms since the epoch). */
  lost(nextTry: number): void;
  /** Something arrived. */
  heard(): void;
}

export interface LiveUpdate {
  run: RunMessage | null;
  scalars: ScalarsMessage[];
  /** Scalars were dropped and have to be fetched. */
  scalarsMissed: boolean;
  overview: OverviewMessage | null;
  frames: Frame[];
  runsChanged: boolean;
  error: string | null;
}

export class LiveSocket {
  readonly #handlers: LiveHandlers;
  readonly #url: string;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #message: ClientMessage = { type: 'unsubscribe' };
  #waiting = new Waiting();
  #scheduled = false;

  constructor(url: string, handlers: LiveHandlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  connect(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#socket?.close();
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => {
      this.#attempt = 0;
      this.#send();
      this.#handlers.open();
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      this.#handlers.heard();
      this.#waiting.take(event.data);
      this.#schedule();
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#retryLater();
    };
  }

  /** What to be told about from now on; replaces the earlier wish and outlives reconnections. */
  subscribe(message: ClientMessage): void {
    this.#message = message;
    this.#send();
  }

  #send(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(this.#message));
  }

  #retryLater(): void {
    this.#socket = null;
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempt) * (0.8 + 0.4 * Math.random());
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#handlers.lost(Date.now() + delay);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      const waiting = this.#waiting;
      this.#waiting = new Waiting();
      this.#handlers.update(waiting.update());
    });
  }
}

/** What came since the last picture: the newest of each kind, and all scalars. */
export class Waiting {
  #run: RunMessage | null = null;
  #scalars: ScalarsMessage[] = [];
  #scalarsMissed = false;
  #overview: LiveUpdate['overview'] = null;
  #frames = new Map<string, ArrayBuffer>();
  #runsChanged = false;
  #findingsChanged = false;
  #error: string | null = null;

  take(data: string | ArrayBuffer): void {
    if (typeof data === 'string') this.#takeMessage(JSON.parse(data) as ServerMessage);
    else this.#frames.set(frameKind(data), data);
  }

  update(): LiveUpdate {
    const frames: Frame[] = [];
    let error = this.#error;
    for (const buffer of this.#frames.values()) {
      try {
        frames.push(parseFrame(buffer));
      } catch (failure) {
        error = String(failure);
      }
    }
    return {
      run: this.#run,
      scalars: this.#scalars,
      scalarsMissed: this.#scalarsMissed,
      overview: this.#overview && { ...this.#overview, findings_changed: this.#findingsChanged },
      frames,
      runsChanged: this.#runsChanged,
      error,
    };
  }

  #takeMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'run':
        this.#run = message;
        break;
      case 'scalars':
        if (this.#scalars.length < MOST_WAITING) this.#scalars.push(message);
        else {
          this.#scalars = [];
          this.#scalarsMissed = true;
        }
        break;
      case 'overview':
        this.#overview = message;
        this.#findingsChanged ||= message.findings_changed;
        break;
      case 'runs_changed':
        this.#runsChanged = true;
        break;
      case 'error':
        this.#error = message.error;
        break;
    }
  }
}

/** A frame's kind, without reading all of its header: a newer frame of the same kind replaces it. */
function frameKind(buffer: ArrayBuffer): string {
  const start = new Uint8Array(buffer).subarray(4, 160);
  return /"kind":\s*"([a-z_]+)"/.exec(new TextDecoder().decode(start))?.[1] ?? '';
}
