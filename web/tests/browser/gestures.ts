/** Views by their names, and what a mouse does in them. */

import type { Locator, Page } from 'playwright-core';

export const inputMap = (page: Page) => page.getByRole('application', { name: /^Input map of [1-9]/ });
export const heatmap = (page: Page) => page.getByRole('application', { name: /^Maximum of/ });
export const filterMap = (page: Page) => page.getByRole('application', { name: /^Map of [1-9]/ });

/** Drags around a part of a view, given in shares of its size: left, top, right, bottom. */
export async function lasso(
  page: Page,
  view: Locator,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
): Promise<void> {
  const box = (await view.boundingBox())!;
  const at = (x: number, y: number) => [box.x + box.width * x, box.y + box.height * y] as const;
  await page.mouse.move(...at(x0, y0));
  await page.mouse.down();
  for (const corner of [
    [x1, y0],
    [x1, y1],
    [x0, y1],
    [x0, y0],
  ] as const) {
    await page.mouse.move(...at(...corner), { steps: 3 });
  }
  await page.mouse.up();
}

/** Drags from one corner of a part of a view to the other. */
export async function drag(
  page: Page,
  view: Locator,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
): Promise<void> {
  const box = (await view.boundingBox())!;
  await page.mouse.move(box.x + x0 * box.width, box.y + y0 * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + x1 * box.width, box.y + y1 * box.height, { steps: 4 });
  await page.mouse.up();
}
