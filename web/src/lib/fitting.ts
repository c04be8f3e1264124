/** Rows of things of which only whole ones are shown. */

/** How many of a row's children end within `room` CSS pixels of its left side. */
export function fitting(row: Element, room: number): number {
  const left = row.getBoundingClientRect().left;
  const children = [...row.children];
  const over = children.findIndex((child) => child.getBoundingClientRect().right - left > room + 0.5);
  return over < 0 ? children.length : over;
}
