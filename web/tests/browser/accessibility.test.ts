import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { appendEvents, someScalars } from './events.ts';
import { folder, openPage, serve, served } from './harness.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const shared = served(120);

/** Each rule that is broken, with the elements that break it. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 200)} ${node.failureSummary ?? ''}`),
  );
}

describe.each(['light', 'dark'] as const)('in %s', (theme) => {
  it.each([
    [1600, 1000],
    [1280, 800],
    [1000, 900],
  ])('the page has no violations at %i x %i', async (width, height) => {
    const { page, close } = await openPage(shared.browser, shared.server.url, { theme, width, height });
    await page.locator('.finding').first().waitFor();
    await page.waitForTimeout(500);
    expect(await violations(page)).toEqual([]);
    await page.locator('.finding .head').first().click();
    await page.getByRole('button', { name: 'Layers: table and export' }).click();
    await page.getByRole('menuitem', { name: 'Layers as table' }).click();
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it('its dialogs and lists have none', async () => {
    const { page, close } = await openPage(shared.browser, shared.server.url, { theme });
    await page.locator('.finding').first().waitFor();
    await page.keyboard.press('?');
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByTitle('Choose a run').click();
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it("TensorBoard's scalars have none", async () => {
    appendEvents(join(shared.logdir, 'lenet', `events.out.tfevents.${theme}`), someScalars(120, 12));
    const { page, close } = await openPage(shared.browser, `${shared.server.url}#scalar=loss/train`, { theme });
    await page.getByRole('button', { name: /^TensorBoard · 1 of/ }).click();
    await page.getByRole('checkbox', { name: 'learning rate' }).check();
    await page.getByRole('button', { name: /^TensorBoard · 2 of/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await close();
  });

  it('an empty folder has none', async () => {
    const empty = folder();
    const own = await serve('serve', '--port', '0', '--logdir', empty.path);
    const { page, close } = await openPage(shared.browser, own.url, { theme });
    await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await close();
    await own.stop();
    empty.remove();
  });
});
