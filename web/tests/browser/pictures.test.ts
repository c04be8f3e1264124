/** Draws the dashboard's pictures for the documentation: `DEEPEYES_PICTURES=../docs/pictures npm run test:browser`. */

import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openPage, served } from './harness.ts';

const into = process.env['DEEPEYES_PICTURES'];
const ITERATIONS = 600;

interface Picture {
  name: string;
  theme: 'light' | 'dark';
  width: number;
  height: number;
  fragment: string;
  /** Finding to open, by its title. */
  open?: RegExp;
  /** Whether to let it show what it is about. */
  show?: boolean;
}

const PICTURES: Picture[] = [
  {
    name: 'light-1600',
    theme: 'light',
    width: 1600,
    height: 1000,
    fragment: '#layer=fc1&filters=41&overlay=filter',
    open: /larger/,
  },
  { name: 'dark-1600', theme: 'dark', width: 1600, height: 1000, fragment: '#layer=fc1' },
  { name: 'light-1280', theme: 'light', width: 1280, height: 800, fragment: '#layer=conv2&density=1' },
  { name: 'dark-1280', theme: 'dark', width: 1280, height: 800, fragment: '#layer=fc2' },
  { name: 'replay', theme: 'light', width: 1600, height: 1000, fragment: '#layer=conv2&step=80' },
  {
    name: 'undetected',
    theme: 'light',
    width: 1600,
    height: 1000,
    fragment: '#layer=conv1&overlay=max',
    open: /Undetected/,
    show: true,
  },
];

describe.runIf(into)('pictures', () => {
  const shared = served(ITERATIONS);

  it.each(PICTURES)('$name', async ({ name, theme, width, height, fragment, open, show }) => {
    const { page, close } = await openPage(shared.browser, `${shared.server.url}${fragment}`, {
      theme,
      width,
      height,
      reducedMotion: true,
    });
    await page.locator('.finding').first().waitFor();
    if (open)
      await page
        .locator('.finding .head', { hasText: open })
        .first()
        .click({ timeout: 2000 })
        .catch(() => undefined);
    if (show) await page.getByRole('button', { name: 'Show me' }).click();
    // Maps of a finished run are stored; they only have to come.
    await page.waitForLoadState('networkidle');
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(into ?? '.', `dashboard-${name}.png`) });
    await close();
  });
});
