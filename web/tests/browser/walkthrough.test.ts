/**
 * Draws the pictures of docs/walkthrough.md, following it with the mouse:
 * `DEEPEYES_PICTURES=../docs/pictures npm run test:browser walkthrough`.
 */

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, it } from 'vitest';
import { heatmap, inputMap } from './gestures.ts';
import { openPage, served } from './harness.ts';

const into = process.env['DEEPEYES_PICTURES'];
const ITERATIONS = 300;

async function chooseLayer(page: Page, name: string): Promise<void> {
  await page.getByRole('option', { name: new RegExp(name) }).click();
  await page.locator('.title').getByRole('heading', { name }).waitFor();
  await inputMap(page).waitFor();
}

describe.runIf(into)('walkthrough', () => {
  const shared = served(ITERATIONS);

  it('is followed with the mouse', async () => {
    const { page, close } = await openPage(shared.browser, shared.server.url, {
      width: 1280,
      height: 800,
      reducedMotion: true,
    });
    const picture = async (name: string) => {
      await page.mouse.move(600, 20);
      await page.waitForLoadState('networkidle');
      await page.waitForTimeout(1200);
      await page.screenshot({ path: join(into ?? '.', `walkthrough-${name}.png`) });
    };
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    const legend = page.getByRole('group', { name: /^Labels/ });

    await chooseLayer(page, 'conv1');
    await picture('conv1-labels');

    await press('Sorted');
    await heatmap(page).click({ position: { x: 12, y: 12 } });
    await picture('conv1-filter');

    await page.locator('.finding .head', { hasText: 'Undetected' }).first().click();
    await press('Show me');
    await picture('conv1-undetected');

    await chooseLayer(page, 'conv2');
    await press('Max');
    await picture('conv2-background');

    await press('Label');
    await legend.getByRole('button', { name: '1', exact: true }).click();
    await picture('conv2-ones');

    await legend.getByRole('button', { name: '1', exact: true }).click();
    await press('Density');
    await picture('conv2-density');
    await press('Density');

    await chooseLayer(page, 'fc1');
    await page.locator('.finding .head', { hasText: 'larger' }).first().click();
    await picture('fc1-classes');

    await chooseLayer(page, 'fc2');
    await page.getByTitle('Colour of the points').click();
    await page.getByText('Colour: prediction').click();
    await legend.getByRole('button', { name: '9', exact: true }).click();
    await picture('fc2-confusions');
    await close();
  });
});
