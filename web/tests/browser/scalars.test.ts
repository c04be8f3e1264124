import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendEvents, someScalars } from './events.ts';
import { openPage, served } from './harness.ts';

const STEPS = 60;
const FILE = 'events.out.tfevents.1700000000.here.1.0';

const shared = served(STEPS);
const folder = () => join(shared.logdir, 'lenet');

async function opened(fragment = '', size = {}) {
  const watched = await openPage(shared.browser, `${shared.server.url}${fragment}`, size);
  await watched.page.getByRole('option', { name: /conv1/ }).waitFor();
  return watched;
}

const chooser = (page: Page) => page.getByRole('button', { name: /^TensorBoard · / });
const list = (page: Page) => page.getByRole('dialog', { name: "TensorBoard's scalars" });
const overview = (page: Page) => page.getByRole('region', { name: 'Training overview' });
const height = async (page: Page) => (await overview(page).boundingBox())!.height;
const figure = (page: Page, name: RegExp) => overview(page).getByRole('row', { name });

beforeEach(() => {
  appendEvents(join(folder(), FILE), someScalars(STEPS));
  appendEvents(join(folder(), 'fit/train', FILE), {
    epoch_loss: [
      [0, 2],
      [30, 1],
      [60, 0.5],
    ],
  });
  appendEvents(join(folder(), 'fit/validation', FILE), {
    epoch_loss: [
      [0, 2.5],
      [30, 1.5],
      [60, 1],
    ],
  });
});

function forget() {
  rmSync(join(folder(), FILE), { force: true });
  rmSync(join(folder(), 'fit'), { recursive: true, force: true });
}

afterEach(forget);

describe("TensorBoard's scalars", () => {
  it('are chosen, drawn under the curves, told at each step, and kept in the address', async () => {
    const { page, errors, close } = await opened();
    const before = await height(page);
    await chooser(page).click();
    await list(page).getByRole('checkbox', { name: 'loss/train' }).check();
    await list(page)
      .getByRole('checkbox', { name: /epoch_loss/ })
      .check();
    await page.keyboard.press('Escape');
    await list(page).waitFor({ state: 'hidden' });
    await chooser(page).getByText('2 of 4 scalars').waitFor();
    await expect.poll(() => height(page)).toBe(before + 2 * 48);
    await figure(page, /epoch_loss · fit\/validation 1$/).waitFor();

    const slider = page.getByRole('slider', { name: 'Iteration that the views show' });
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    await figure(page, /epoch_loss · fit\/validation 1\.5/).waitFor();
    const box = (await slider.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 40);
    await page.getByRole('tooltip').getByText('epoch_loss · fit/train').waitFor();

    await expect.poll(() => page.url()).toContain('scalar=loss%2Ftrain&scalar=epoch_loss');
    await page.reload();
    await figure(page, /epoch_loss · fit\/train/).waitFor();
    await chooser(page).click();
    await list(page).getByRole('checkbox', { name: 'loss/train' }).uncheck();
    await list(page)
      .getByRole('checkbox', { name: /epoch_loss/ })
      .uncheck();
    await expect.poll(() => height(page)).toBe(before);
    expect(errors).toEqual([]);
    await close();
  });

  it('are columns of the table and of the CSV file', async () => {
    const { page, errors, close } = await opened('#scalar=epoch_loss');
    await figure(page, /epoch_loss/)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Overview: table and export' }).click();
    await page.getByRole('menuitem', { name: 'Show as table' }).click();
    const table = page.getByRole('region', { name: 'Training curves' });
    await table.getByRole('button', { name: 'TensorBoard: epoch_loss · fit/validation' }).click();
    expect(await table.getByRole('row').nth(1).textContent()).toMatch(/1$/);
    await page.getByRole('button', { name: 'Overview: table and export' }).click();
    const saved = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: 'Save as SVG' }).click();
    expect((await saved).suggestedFilename()).toMatch(/overview\.svg$/);
    expect(errors).toEqual([]);
    await close();
  });

  it('are chosen by keys among many, so many at a time', async () => {
    appendEvents(join(folder(), FILE), someScalars(STEPS, 30));
    const { page, errors, close } = await opened();
    await chooser(page).focus();
    await page.keyboard.press('Enter');
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
      .toBe('Search scalars');
    await page.keyboard.type('layer.2');
    await expect.poll(() => list(page).getByRole('checkbox').count()).toBe(11);
    for (let chosen = 0; chosen < 4; chosen++) {
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Space');
    }
    await list(page).getByText('4 are drawn at a time').waitFor();
    expect(await list(page).getByRole('checkbox', { disabled: true }).count()).toBe(7);
    await page.keyboard.press('Escape');
    await chooser(page).getByText('4 of 34 scalars').waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('come with what is wrong with their files, and with what is added to them', async () => {
    const { page, errors, close } = await opened('#scalar=loss/train');
    await figure(page, /loss\/train/).waitFor();
    appendEvents(join(folder(), FILE), { 'loss/train': [[61, 77]] });
    appendFileSync(join(folder(), 'fit/train', FILE), Buffer.alloc(40, 7));
    await chooser(page).click();
    await list(page)
      .getByText(/fit\/train\/events.*at byte \d+/)
      .waitFor();
    expect(errors).toEqual([]);
    await close();
  });
});

it('a run without event files says nothing of TensorBoard', async () => {
  forget();
  const { page, errors, close } = await opened('#scalar=loss/train');
  await page.waitForLoadState('networkidle');
  expect(await chooser(page).count()).toBe(0);
  expect(errors).toEqual([]);
  await close();
});
