import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { iteration, openPage, serve, served } from './harness.ts';

const shared = served(200);

async function opened(fragment = '') {
  const watched = await openPage(shared.browser, `${shared.server.url}${fragment}`);
  await watched.page.getByRole('option', { name: /conv1/ }).waitFor();
  await watched.page
    .locator('.layer', { hasText: /stable|changing/ })
    .first()
    .waitFor();
  return watched;
}

const layer = (page: Page) => page.locator('.title h2');

describe('layers', () => {
  it('are chosen by mouse and by key, and the choice is in the address', async () => {
    const { page, errors, close } = await opened();
    await page.getByRole('option', { name: /conv2/ }).click();
    expect(await layer(page).textContent()).toBe('conv2');
    await page.keyboard.press('k');
    expect(await layer(page).textContent()).toBe('conv1');
    await page.keyboard.press('4');
    expect(await layer(page).textContent()).toBe('fc2');
    await expect.poll(() => page.url()).toContain('layer=fc2');
    await page.reload();
    await expect.poll(() => layer(page).textContent()).toBe('fc2');
    expect(errors).toEqual([]);
    await close();
  });

  it('change by arrows in the list', async () => {
    const { page, close } = await opened('#layer=conv1');
    const list = page.getByRole('listbox', { name: 'Layers in network order' });
    await list.focus();
    await page.keyboard.press('ArrowDown');
    expect(await layer(page).textContent()).toBe('conv2');
    await page.keyboard.press('End');
    expect(await layer(page).textContent()).toBe('fc2');
    await close();
  });

  it('have a table twin', async () => {
    const { page, close } = await opened();
    await page.getByRole('button', { name: 'Layers: table and export' }).click();
    await page.getByRole('menuitem', { name: 'Layers as table' }).click();
    const table = page.getByRole('region', { name: /Layers at iteration 200/ });
    expect(await table.getByRole('row').count()).toBe(5);
    await table.getByRole('button', { name: 'conv1', exact: true }).click();
    expect(await layer(page).textContent()).toBe('conv1');
    await close();
  });
});

describe('time', () => {
  it('is replayed by keys, by dragging, and from the address', async () => {
    const { page, errors, close } = await opened();
    expect(await iteration(page)).toBe(200);
    const slider = page.getByRole('slider', { name: 'Iteration that the views show' });
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => iteration(page)).toBe(180);
    await page.keyboard.press('PageDown');
    await expect.poll(() => iteration(page)).toBe(0);
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => iteration(page)).toBe(20);
    await page.getByText(/as of 20/).waitFor();

    const box = (await slider.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 8 });
    await page.mouse.up();
    const middle = await iteration(page);
    expect(middle).toBeGreaterThan(60);
    expect(middle).toBeLessThan(160);
    await expect.poll(() => page.url()).toContain(`step=${middle}`);

    await page.reload();
    await expect.poll(() => iteration(page)).toBe(middle);
    await page.getByRole('button', { name: /Back to latest/ }).click();
    await expect.poll(() => iteration(page)).toBe(200);
    expect(errors).toEqual([]);
    await close();
  });

  it('shows each window as it was: the histograms follow', async () => {
    const { page, close } = await opened('#layer=conv1');
    const picture = () => page.locator('.layer canvas').first().screenshot();
    const now = await picture();
    await page.getByRole('button', { name: 'Earlier window' }).click();
    await page.getByText(/as of 180/).waitFor();
    expect((await picture()).equals(now)).toBe(false);
    await page.keyboard.press('l');
    await expect.poll(async () => (await picture()).equals(now)).toBe(true);
    await close();
  });
});

describe('findings', () => {
  it('open one at a time, show what they are about, and fill the redesign', async () => {
    const { page, errors, close } = await opened();
    const heads = page.locator('.finding .head');
    await heads.first().waitFor();
    await heads.first().click();
    expect(await heads.first().getAttribute('aria-expanded')).toBe('true');
    await heads.nth(1).click();
    expect(await page.locator('.finding .head[aria-expanded=true]').count()).toBe(1);

    const larger = heads.filter({ hasText: 'larger than it needs' }).first();
    if ((await larger.count()) > 0) {
      if ((await larger.getAttribute('aria-expanded')) === 'false') await larger.click();
      await page.getByRole('button', { name: /Add to redesign/ }).click();
      const tray = page.getByRole('region', { name: 'Redesign' });
      await tray.getByText('1 planned change').waitFor();
      await expect.poll(() => tray.getByRole('row', { name: /Parameters/ }).textContent()).toContain('−');
      await tray.getByRole('button', { name: 'Clear' }).click();
      await tray.getByText('no changes yet').waitFor();
    }
    expect(errors).toEqual([]);
    await close();
  });

  it('are dismissed and brought back', async () => {
    const { page, close } = await opened();
    const heads = page.locator('.finding .head');
    await heads.first().waitFor();
    const before = await heads.count();
    await heads.first().click();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    expect(await heads.count()).toBe(before - 1);
    await page.getByRole('button', { name: 'Findings: table and export' }).click();
    await page.getByRole('menuitem', { name: /dismissed/ }).click();
    expect(await heads.count()).toBe(before);
    await close();
  });
});

describe('the page', () => {
  it('keeps its keys to itself while something is typed, and lists them', async () => {
    const { page, close } = await opened('#layer=fc1');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /lenet/ }).first().click();
    const search = page.getByRole('combobox', { name: 'Search runs' });
    await search.fill('jjkt1');
    expect(await layer(page).textContent()).toBe('fc1');
    await page.getByText('No run has these words.').waitFor();
    await close();
  });

  it('remembers its theme', async () => {
    const { page, close } = await opened();
    await page.keyboard.press('t');
    const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
    expect(await theme()).toBe('dark');
    await page.reload();
    expect(await theme()).toBe('dark');
    await close();
  });

  it('stacks in a narrow window without cutting anything off at the side', async () => {
    const watched = await openPage(shared.browser, shared.server.url, { width: 1000, height: 900 });
    await watched.page.getByRole('option', { name: /conv1/ }).waitFor();
    const wide = await watched.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    await watched.close();
  });

  it('is two pages with two choices', async () => {
    const one = await opened('#layer=conv1');
    const two = await opened('#layer=fc1');
    await one.page.keyboard.press('j');
    expect(await layer(one.page).textContent()).toBe('conv2');
    expect(await layer(two.page).textContent()).toBe('fc1');
    await one.close();
    await two.close();
  });
});

it('comes back after the server was away, with what was chosen', async () => {
  const own = await serve('serve', '--port', '0', '--logdir', shared.logdir);
  const { page, errors, close } = await openPage(shared.browser, `${own.url}#layer=conv2&step=100`);
  await expect.poll(() => iteration(page)).toBe(100);
  await own.stop();
  await page.getByText('Connection to the server lost.').waitFor();
  expect(await layer(page).textContent()).toBe('conv2');
  const again = await serve('serve', '--port', String(own.port), '--logdir', shared.logdir);
  await page
    .getByRole('button', { name: 'Retry now' })
    .click({ timeout: 2000 })
    .catch(() => undefined);
  await page.getByText('Connection to the server lost.').waitFor({ state: 'hidden', timeout: 15_000 });
  expect(await layer(page).textContent()).toBe('conv2');
  expect(await iteration(page)).toBe(100);
  await page.keyboard.press('l');
  await expect.poll(() => iteration(page)).toBe(200);
  expect(errors).toEqual([]);
  await close();
  await again.stop();
});
