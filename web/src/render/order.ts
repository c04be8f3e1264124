/** Drawing order: what is strong is drawn last, hence on top. */

const LEVELS = 256;

/** Rows of a byte per point, weakest first, equal ones by row (counting sort); rows below `floor` are left out. */
export function orderByLevel(levels: Uint8Array, floor = 0): Uint32Array {
  const start = new Uint32Array(LEVELS + 1);
  for (const level of levels) start[level + 1]!++;
  let skipped = 0;
  for (let level = 0; level < floor; level++) skipped += start[level + 1]!;
  for (let level = 1; level <= LEVELS; level++) start[level]! += start[level - 1]!;
  const order = new Uint32Array(levels.length - skipped);
  for (let row = 0; row < levels.length; row++) {
    const level = levels[row]!;
    if (level >= floor) order[start[level]!++ - skipped] = row;
  }
  return order;
}

/** Every row once, in a fixed but scattered order, so that no label always lies on top of the others. */
export function scatteredOrder(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, row) => row);
  let state = 0x9e3779b9;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
