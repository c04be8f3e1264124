import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { inputMapFrame, layerFrame } from './frames.ts';
import { filterMap, heatmap, inputMap, lasso } from './gestures.ts';
import { openPage, served } from './harness.ts';

const shared = served(300);

async function opened(fragment = '#layer=fc1') {
  const watched = await openPage(shared.browser, `${shared.server.url}${fragment}`);
  await inputMap(watched.page).waitFor();
  await heatmap(watched.page).waitFor();
  await filterMap(watched.page).waitFor();
  return watched;
}

describe('linked views', () => {
  it('a cell of the heatmap chooses its filter everywhere', async () => {
    const { page, errors, close } = await opened();
    await heatmap(page).click({ position: { x: 20, y: 20 } });
    await page
      .locator('.title')
      .getByText(/^unit \d+/)
      .waitFor();
    await page
      .getByRole('region', { name: 'Inspector' })
      .getByRole('heading', { name: /^Unit \d+/ })
      .waitFor();
    await page.getByRole('button', { name: 'Unit', exact: true, pressed: true }).waitFor();
    await page.getByText(/Top \d inputs/).waitFor();
    await expect.poll(() => page.url()).toContain('filters=');
    await page.keyboard.press('Escape');
    await page.getByText('Choose a unit in the heatmap').waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('a mark of the filter map chooses its filter, by mouse and by keys', async () => {
    const { page, close } = await opened('#layer=conv1');
    await filterMap(page).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page
      .locator('.title')
      .getByText(/^filter \d+/)
      .waitFor();
    await close();
  });

  it('instances that are lassoed show which filters they excite', async () => {
    const { page, errors, close } = await opened();
    await lasso(page, inputMap(page), [0.02, 0.02, 0.98, 0.9]);
    await page
      .locator('.title')
      .getByText(/instances/)
      .waitFor();
    await page.getByText(/^of [\d,]+ selected$/).waitFor();
    const gallery = page.getByRole('region', { name: 'Inspector' });
    await gallery.getByRole('heading', { name: /instances/ }).waitFor();
    expect(await gallery.getByRole('button', { name: /Choose input/ }).count()).toBeGreaterThan(5);
    await expect.poll(() => page.url()).toContain('instances=');
    expect(errors).toEqual([]);
    await close();
  });

  it('the address brings a choice back', async () => {
    const { page, close } = await opened();
    await lasso(page, inputMap(page), [0.3, 0.3, 0.6, 0.6]);
    const chip = page
      .locator('.title')
      .getByText(/instances?/)
      .first();
    await chip.waitFor();
    const chosen = await chip.textContent();
    await expect.poll(() => page.url()).toContain('instances=');
    await page.reload();
    await chip.waitFor();
    expect(await chip.textContent()).toBe(chosen);
    await close();
  });

  it('several filters lie side by side, and labels are isolated', async () => {
    const { page, errors, close } = await opened('#layer=conv1');
    const cells = heatmap(page);
    await cells.click({ position: { x: 10, y: 10 } });
    await cells.click({ position: { x: 40, y: 10 }, modifiers: ['Shift'] });
    await page
      .locator('.title')
      .getByText(/^filters \d+, \d+/)
      .waitFor();
    await page.keyboard.press('Escape');
    await page
      .getByRole('group', { name: /^Labels/ })
      .getByRole('button', { name: '3', exact: true })
      .click();
    await page.locator('.title').getByText('label 3').waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('each is maximised, is a table, and is restored', async () => {
    const { page, close } = await opened();
    for (const [name, table] of [
      ['Input map', /^Instances of fc1/],
      ['Activations', /^fc1: unit/],
      ['Filter map', /^fc1: places/],
    ] as const) {
      await page.getByRole('button', { name: `Maximise ${name}` }).click();
      const view = page.getByRole('region', { name, exact: true });
      expect((await view.boundingBox())!.width).toBe(1600);
      await page.getByRole('button', { name: `${name}: table and export` }).click();
      await page.getByRole('menuitem', { name: 'Show as table' }).click();
      await page.getByRole('region', { name: table }).waitFor();
      await page.keyboard.press('Escape');
      expect((await view.boundingBox())!.width).toBeLessThan(1000);
    }
    await close();
  });

  it('export what they show', async () => {
    const { page, close } = await opened();
    await page.getByRole('button', { name: 'Input map: table and export' }).click();
    const saved = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: 'Save as CSV' }).click();
    expect((await saved).suggestedFilename()).toBe('lenet-fc1-300-input-map.csv');
    await close();
  });

  it('a finding shows what it is about', async () => {
    const { page, close } = await opened();
    const weakening = page.locator('.finding .head', { hasText: 'weakening' }).first();
    if ((await weakening.count()) > 0) {
      await weakening.click();
      await page.getByRole('button', { name: 'Show me' }).click();
      await page
        .locator('.title')
        .getByText(/^(\d+ (unit|filter)s|(unit|filter)s? \d+)/)
        .waitFor();
    }
    await close();
  });
});

describe('much data', () => {
  async function withoutServer(page: Page) {
    await page.routeWebSocket(/api\/live/, () => undefined);
  }

  it.each([
    ['by themselves', ''],
    ['with their density', '&density=1'],
  ])('100,000 instances %s are panned within 8 ms of main-thread time a frame', async (what, fragment) => {
    const { page, errors, close } = await openPage(shared.browser, 'about:blank');
    await withoutServer(page);
    await page.route('**/input_map*', async (route) => {
      const [, run, layer] = /runs\/(\w+)\/layers\/(\d+)/.exec(route.request().url())!;
      await route.fulfill({ body: inputMapFrame(run!, Number(layer), 300, 100_000) });
    });
    await page.goto(`${shared.server.url}#layer=fc1&view=input_map${fragment}`);
    const view = page.getByRole('application', { name: /^Input map of 100,000/ });
    await view.waitFor();
    const box = (await view.boundingBox())!;
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    // Without a GPU the browser copies the picture on the main thread: that is no part of what the page does.
    const busy = async () => {
      const { metrics } = await session.send('Performance.getMetrics');
      const seconds = (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? 0;
      return {
        page: 1000 * (seconds('ScriptDuration') + seconds('LayoutDuration') + seconds('RecalcStyleDuration')),
        all: 1000 * seconds('TaskDuration'),
      };
    };
    await page.waitForTimeout(1500);
    await page.keyboard.down('Control');
    await page.mouse.move(box.x + 400, box.y + 300);
    await page.mouse.down();
    await page.evaluate(() => {
      Object.assign(globalThis, { frames: 0 });
      const count = () => {
        (globalThis as unknown as { frames: number }).frames += 1;
        requestAnimationFrame(count);
      };
      requestAnimationFrame(count);
    });
    const before = await busy();
    for (let step = 1; step <= 60; step++) await page.mouse.move(box.x + 400 + 3 * step, box.y + 300 + step);
    const after = await busy();
    const spent = after.page - before.page;
    const frames = await page.evaluate(() => (globalThis as unknown as { frames: number }).frames);
    await page.mouse.up();
    await page.keyboard.up('Control');
    console.log(
      `100,000 points ${what}: ${(spent / frames).toFixed(1)} ms of script, style and layout a frame over ${frames} frames; ` +
        `${((after.all - before.all) / frames).toFixed(1)} ms with the browser's own work`,
    );
    expect(frames).toBeGreaterThan(5);
    expect(spent / frames).toBeLessThanOrEqual(8);
    expect(errors).toEqual([]);
    await close();
  });

  it('4,096 filters fill the heatmap, one mode at a time, and each is found', async () => {
    const { page, errors, close } = await openPage(shared.browser, 'about:blank', { width: 1280, height: 800 });
    await withoutServer(page);
    await page.route('**/detail*', async (route) => {
      const [, run, layer] = /runs\/(\w+)\/layers\/(\d+)/.exec(route.request().url())!;
      const overview = (await (await page.request.get(`${shared.server.url}api/runs/${run}/overview`)).json()) as {
        layers: object[];
      };
      await route.fulfill({ body: layerFrame(run!, Number(layer), 300, overview.layers[Number(layer)]!, 4096) });
    });
    await page.goto(`${shared.server.url}#layer=fc1`);
    const cells = page.getByRole('application', { name: /of 4096 units/ });
    await cells.first().waitFor();
    expect(await cells.count()).toBe(1);
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    await page.getByRole('application', { name: /^Share above ½ maximum of 4096/ }).waitFor();
    await page.getByRole('button', { name: 'Maximise Activations' }).click();
    await expect.poll(() => cells.count()).toBe(2);
    await cells.first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await page
      .locator('.title')
      .getByText(/^unit \d+/)
      .waitFor();
    expect(errors).toEqual([]);
    await close();
  });
});
