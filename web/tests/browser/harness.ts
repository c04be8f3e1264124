/** What the browser tests share: the program under test, a browser, and a run to look at. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const BROWSER_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
];

/** The program: `DEEPEYES_BIN`, else what cargo built last. */
export function program(): string {
  const built = ['release', 'debug'].map((profile) => join(ROOT, 'target', profile, 'deepeyes'));
  const path = process.env['DEEPEYES_BIN'] ?? built.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error('no program to test: build it (cargo build --release) or set DEEPEYES_BIN');
  return resolve(path);
}

/** A folder that is gone after the tests. */
export function folder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'deepeyes-browser-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Trains the demo's network into a folder, without a page. */
export function trainInto(logdir: string, iterations: number): void {
  const args = ['demo', '--headless', '--seed', '0', '--iterations', String(iterations), '--logdir', logdir];
  execFileSync(program(), args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'ignore'], timeout: 300_000 });
}

export interface Server {
  /** The page's address. */
  url: string;
  port: number;
  stop(): Promise<void>;
}

/** Starts the program with arguments that make it serve; resolves with the address that it prints first. */
export async function serve(...args: string[]): Promise<Server> {
  const child = spawn(program(), args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await addressOf(child);
  return {
    url,
    port: Number(new URL(url).port),
    stop: () =>
      new Promise((done) => {
        child.once('exit', () => done());
        if (!child.kill('SIGTERM')) done();
        setTimeout(() => child.kill('SIGKILL'), 5000).unref();
      }),
  };
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let output = '';
    let errors = '';
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
      const address = /https?:\/\/\S+/.exec(output)?.[0];
      if (address !== undefined && output.includes('\n')) found(address);
    });
    child.stderr?.on('data', (data: Buffer) => (errors = (errors + data.toString()).slice(-4000)));
    child.once('exit', (code) => failed(new Error(`the program ended with ${code} before it served: ${errors}`)));
    child.once('error', failed);
  });
}

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: BROWSER_ARGUMENTS });
}

export interface Served {
  browser: Browser;
  server: Server;
  /** The run's log directory. */
  logdir: string;
}

/**
 * A browser, and a server of one run that is trained before a file's (or a group's) tests and gone after them.
 * `DEEPEYES_RUNS` names a log directory with a trained run, for those who write tests or draw pictures.
 */
export function served(iterations: number): Served {
  const trained = process.env['DEEPEYES_RUNS'];
  const logdir = trained === undefined ? folder() : { path: resolve(trained), remove: () => undefined };
  const shared = { logdir: logdir.path } as Served;
  beforeAll(async () => {
    if (trained === undefined) trainInto(logdir.path, iterations);
    shared.browser = await launch();
    shared.server = await serve('serve', '--port', '0', '--logdir', logdir.path);
  });
  afterAll(async () => {
    // What a failed start left undone is not there to end.
    await (shared.browser as Browser | undefined)?.close();
    await (shared.server as Server | undefined)?.stop();
    logdir.remove();
  });
  return shared;
}

export interface Watched {
  page: Page;
  /** Errors that the page threw or logged, lost connections aside. */
  errors: string[];
  close(): Promise<void>;
}

/** Opens a page of its own session; `theme` and size as asked. */
export async function openPage(
  browser: Browser,
  url: string,
  options: { theme?: 'light' | 'dark'; width?: number; height?: number; reducedMotion?: boolean } = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1600, height: options.height ?? 1000 },
    colorScheme: options.theme ?? 'light',
    reducedMotion: options.reducedMotion ? 'reduce' : 'no-preference',
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // What the server does not have (yet) is a 404, and a stopped server refuses: the page says both in its own words.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text())) {
      errors.push(message.text());
    }
  });
  await page.goto(url);
  return { page, errors, close: () => context.close() };
}

/** The iteration that the page shows. */
export async function iteration(page: Page): Promise<number> {
  const text = (await page.locator('.iteration').textContent()) ?? '';
  return Number(text.replaceAll(',', ''));
}

/** The middle of sorted values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
