/** What one does in a map: choose by lasso or box, zoom, and look at a choice by itself. */

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { inputMap, lasso } from './gestures.ts';
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
  const box = (await inputMap(page).boundingBox())!;
  await page.mouse.move(box.x + 0.3 * box.width, box.y + 0.3 * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.7 * box.width, box.y + 0.7 * box.height, { steps: 4 });
  await page.mouse.up();
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
