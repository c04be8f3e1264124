import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { folder, iteration, launch, median, openPage, serve, type Server } from './harness.ts';

let browser: Browser;
let server: Server;
const logdir = folder();

beforeAll(async () => {
  browser = await launch();
  server = await serve(
    'demo',
    '--no-open',
    '--port',
    '0',
    '--iterations',
    '3000',
    '--seed',
    '0',
    '--logdir',
    logdir.path,
  );
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  logdir.remove();
});

it('comes alive from an empty page to stable layers, within its budgets', { timeout: 300_000 }, async () => {
  const { page, errors } = await openPage(browser, 'about:blank');
  await page.addInitScript(() => {
    const updates: number[] = [];
    Object.assign(globalThis, { updates, listed: Number.NaN });
    new MutationObserver((_, observer) => {
      if (document.querySelector('[role=option][data-layer]') === null) return;
      Object.assign(globalThis, { listed: performance.now() });
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntriesByName('deepeyes:live-update')) updates.push(entry.duration);
    }).observe({ entryTypes: ['measure'] });
  });
  await page.goto(server.url);
  await page.getByRole('heading', { name: 'Layers' }).waitFor();
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0);
  await page.getByRole('option', { name: /conv1/ }).waitFor();
  const { listed, answered } = await page.evaluate(() => ({
    listed: (globalThis as unknown as { listed: number }).listed,
    answered: performance
      .getEntriesByType('resource')
      .filter(({ name }) => /\/api\/runs\/\w+$/.test(name))
      .map((entry) => (entry as PerformanceResourceTiming).responseEnd)[0],
  }));

  // The first window makes histograms; curves and iteration move before that.
  await expect.poll(() => iteration(page), { timeout: 30_000 }).toBeGreaterThan(0);
  await page
    .locator('.layer', { hasText: 'early' })
    .or(page.locator('.layer', { hasText: 'changing' }))
    .first()
    .waitFor();

  await page.locator('.layer', { hasText: 'stable' }).first().waitFor({ timeout: 240_000 });

  const updates = await page.evaluate(() => (globalThis as unknown as { updates: number[] }).updates);
  const sorted = [...updates].sort((a, b) => a - b);
  const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;
  console.log(
    `after the page was asked for: first paint ${paint.toFixed(0)} ms, the run's description ${answered?.toFixed(0)} ms, ` +
      `layers listed ${listed.toFixed(0)} ms; ${updates.length} live updates: ` +
      `median ${median(updates).toFixed(1)} ms, 95 % ${p95.toFixed(1)} ms, largest ${(sorted.at(-1) ?? 0).toFixed(1)} ms`,
  );
  expect(updates.length).toBeGreaterThan(10);
  expect(median(updates)).toBeLessThanOrEqual(50);
  expect(errors).toEqual([]);
});

it('pauses, resumes and stops the training', async () => {
  const { page, errors, close } = await openPage(browser, server.url);
  const status = page.getByRole('group', { name: 'Training status' });
  await status.waitFor();
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await status.getByText('Paused').waitFor();
  await page.getByText('Latest', { exact: true }).waitFor();
  // What was under way when the button was pressed still arrives.
  let before = -1;
  await expect
    .poll(
      async () => {
        const still = (await iteration(page)) === before;
        before = await iteration(page);
        return still;
      },
      { interval: 1000, timeout: 20_000 },
    )
    .toBe(true);
  const held = await iteration(page);
  await page.keyboard.press('Space');
  await status.getByText('Training').waitFor();
  await expect.poll(() => iteration(page), { timeout: 20_000 }).toBeGreaterThan(held);
  await page.getByRole('button', { name: 'Stop training' }).click();
  await status.getByText('Stopped').waitFor({ timeout: 30_000 });
  expect(errors).toEqual([]);
  await close();
});
