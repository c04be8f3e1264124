/** What one does in a map: choose by lasso or box, zoom, look at a choice by itself, and see where colours are dense. */

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { inputMapFrame } from './frames.ts';
import { drag, filterMap, inputMap, lasso } from './gestures.ts';
import { openPage, served } from './harness.ts';

const shared = served(300);

async function opened(fragment = '#layer=fc1') {
  const watched = await openPage(shared.browser, `${shared.server.url}${fragment}`, { reducedMotion: true });
  await inputMap(watched.page).waitFor();
  return watched;
}

const levels = (page: Page) => page.getByRole('navigation', { name: 'Levels of the map' });
const chosen = (page: Page) => page.locator('.title .chip', { hasText: 'instance' });

it('a choice becomes a map of its own, and the way back up is kept', async () => {
  const { page, errors, close } = await opened();
  await lasso(page, inputMap(page), [0.3, 0.2, 0.7, 0.7]);
  const down = levels(page).getByRole('button', { name: /^Drill into/ });
  const number = Number(/[\d,]+/.exec((await down.textContent()) ?? '')![0].replace(',', ''));
  expect(number).toBeGreaterThan(20);
  await down.click();
  await levels(page).getByText(`${number} points`, { exact: true }).waitFor({ timeout: 60_000 });
  await page.getByText(/by themselves/).waitFor();

  // Identities hold: what is chosen below is chosen in all views, and once more above.
  await lasso(page, inputMap(page), [0.1, 0.2, 0.9, 0.6]);
  await chosen(page).waitFor();
  await page.getByText(/^of [\d,]+ selected$/).waitFor();
  await down.click();
  await levels(page)
    .getByRole('button', { name: String(number), exact: true })
    .waitFor({ timeout: 60_000 });
  await levels(page)
    .getByRole('button', { name: String(number), exact: true })
    .click();
  await chosen(page).waitFor();
  await levels(page)
    .getByRole('button', { name: /^All [\d,]+$/ })
    .click();
  expect(await chosen(page).textContent()).toContain(`${number} instances`);
  expect(errors).toEqual([]);
  await close();
});

it('another layer and another iteration lead back to the whole map', async () => {
  const { page, close } = await opened();
  await lasso(page, inputMap(page), [0.3, 0.3, 0.6, 0.6]);
  await levels(page)
    .getByRole('button', { name: /^Drill into/ })
    .click();
  await levels(page).getByRole('button', { name: /^All/ }).waitFor({ timeout: 60_000 });
  await page.getByRole('option', { name: /conv2/ }).click();
  await page.locator('.title').getByRole('heading', { name: 'conv2' }).waitFor();
  await expect.poll(() => levels(page).count()).toBe(0);
  await close();
});

it('a box chooses as a lasso does, and buttons zoom', async () => {
  const { page, errors, close } = await opened();
  const tools = page.getByRole('group', { name: 'Input map: tools' });
  await tools.getByRole('button', { name: 'Choose by box' }).click();
  await drag(page, inputMap(page), [0.3, 0.3, 0.7, 0.7]);
  await chosen(page).waitFor();
  const all = tools.getByRole('button', { name: 'Show all' });
  expect(await all.isDisabled()).toBe(true);
  await tools.getByRole('button', { name: 'Zoom in' }).click();
  await expect.poll(() => all.isDisabled()).toBe(false);
  await all.click();
  await expect.poll(() => all.isDisabled()).toBe(true);
  const filters = page.getByRole('group', { name: 'Filter map: tools' });
  await filters.getByRole('button', { name: 'Zoom in' }).click();
  await filters.getByRole('button', { name: 'Show all' }).click();
  expect(errors).toEqual([]);
  await close();
});

it('a map without what its points are placed by offers no way into it', async () => {
  const { page, close } = await openPage(shared.browser, 'about:blank', { reducedMotion: true });
  await page.routeWebSocket(/api\/live/, () => undefined);
  await page.route('**/input_map*', async (route) => {
    const [, run, layer] = /runs\/(\w+)\/layers\/(\d+)/.exec(route.request().url())!;
    await route.fulfill({ body: inputMapFrame(run!, Number(layer), 300, 500, { scales: 3, scale: 2, finer: false }) });
  });
  await page.goto(`${shared.server.url}#layer=fc1`);
  await inputMap(page).waitFor();
  await lasso(page, inputMap(page), [0.02, 0.02, 0.55, 0.98]);
  await chosen(page).waitFor();
  await levels(page).getByText('landmarks: what they stand for is not kept').waitFor();
  expect(await levels(page).getByRole('button').count()).toBe(0);
  await close();
});

it('filters are chosen by lasso and box: few are shown side by side, many by the largest of them', async () => {
  const { page, errors, close } = await opened('#layer=conv2');
  const chip = page.locator('.title .chip', { hasText: 'filter' });
  await lasso(page, filterMap(page), [0.02, 0.02, 0.98, 0.98]);
  await chip.waitFor();
  const all = Number(/\d+/.exec((await chip.textContent()) ?? '')![0]);
  expect(all).toBeGreaterThan(9);
  await page.getByText(`1 of each filter's largest, any of ${all}`).waitFor();
  await page.getByText(`· first of ${all}`, { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await chip.waitFor({ state: 'detached' });

  const tools = page.getByRole('group', { name: 'Filter map: tools' });
  await tools.getByRole('button', { name: 'Choose by box' }).click();
  let some = '';
  for (let reach = 0.2; reach < 0.9 && !some.includes('filters'); reach += 0.04) {
    await drag(page, filterMap(page), [0.02, 0.02, reach, reach]);
    some = (await chip.count()) > 0 ? ((await chip.textContent()) ?? '') : '';
  }
  await page.getByText("1 of each filter's largest", { exact: true }).waitFor();
  await expect.poll(() => page.url()).toMatch(/filters=\d+\.\d+/);
  expect(errors).toEqual([]);
  await close();
});

it('density is drawn above the points, and is part of the address', async () => {
  const { page, errors, close } = await opened('#layer=conv2');
  /** Pixels that something is drawn on above the points. */
  const painted = () =>
    inputMap(page)
      .locator('canvas')
      .nth(1)
      .evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, index) => index % 4 === 3 && value > 0).length;
      });
  const plain = await painted();
  await page.getByRole('button', { name: 'Density', exact: true }).click();
  await expect.poll(() => page.url()).toContain('density=1');
  await expect.poll(painted).toBeGreaterThan(plain + 2000);
  await page.reload();
  await page.getByRole('button', { name: 'Density', exact: true, pressed: true }).waitFor();
  await inputMap(page).waitFor();
  await expect.poll(painted).toBeGreaterThan(plain + 2000);
  await page.keyboard.press('d');
  await expect.poll(painted).toBe(plain);
  expect(errors).toEqual([]);
  await close();
});

it.each([1280, 1440, 1600])('headers cut nothing off at %i', async (width) => {
  const size = { width, height: width === 1280 ? 800 : 1000, reducedMotion: true };
  const { page, close } = await openPage(shared.browser, `${shared.server.url}#layer=conv1&filters=3&step=120`, size);
  await inputMap(page).waitFor();
  await lasso(page, inputMap(page), [0.05, 0.05, 0.95, 0.95]);
  await chosen(page).waitFor();
  for (const note of [/^of [\d,]+ selected/, /[\d,]+ instances/, /neighbours kept|unsettled/, /similarity/]) {
    await page.locator('.detail').getByText(note).filter({ visible: true }).first().waitFor();
  }
  const cut = await page.evaluate(() => {
    const headers = [...document.querySelectorAll('.view-header, .detail .title')];
    return headers.flatMap((header) => {
      const end = header.getBoundingClientRect().right + 0.5;
      const parts = [...header.querySelectorAll<HTMLElement>('*')].filter(
        (part) =>
          part.childElementCount === 0 &&
          getComputedStyle(part).visibility === 'visible' &&
          // The description of a layer gives way to what is chosen.
          part.closest('.what') === null,
      );
      const over = parts.filter(
        (part) =>
          part.getBoundingClientRect().right > end ||
          (part.classList.contains('ellipsis') && part.scrollWidth > part.clientWidth),
      );
      return over.map((part) => part.outerHTML);
    });
  });
  expect(cut).toEqual([]);
  await close();
});

it('a finding of an undetected pattern shows its patches and where they lie', async () => {
  const { page, errors, close } = await opened('#layer=conv1');
  const finding = page.locator('.finding', { hasText: /Undetected|Blank/ }).first();
  if ((await finding.count()) > 0) {
    await finding.locator('.head').click();
    await finding
      .getByRole('img', { name: /^What the layer sees of input \d+, (label|no label)/ })
      .first()
      .waitFor();
    await finding.getByRole('button', { name: 'Show me' }).click();
    await chosen(page).waitFor();
    await page.getByRole('list', { name: 'Chosen instances by label' }).waitFor();
  }
  expect(errors).toEqual([]);
  await close();
});
