/** The identity of an instance across snapshots: its input (split and index) and its place in the layer's grid. */
export interface Identity {
  /** 0 training, 1 validation. */
  split: number;
  input: number;
  row: number;
  column: number;
}

const SIDE = 1024;
const INPUTS = 2 ** 31;

/** An identity as one number, exact for grids up to 1,024 x 1,024 and 2^31 inputs a split. */
export function identityKey(split: number, input: number, row: number, column: number): number {
  return ((split * INPUTS + input) * SIDE + row) * SIDE + column;
}

export function identityOf(key: number): Identity {
  const column = key % SIDE;
  const rows = (key - column) / SIDE;
  const row = rows % SIDE;
  const inputs = (rows - row) / SIDE;
  const input = inputs % INPUTS;
  return { split: (inputs - input) / INPUTS, input, row, column };
}

/** Writes keys as short text for a link: differences of the sorted keys in base 64, seven bits a byte. */
export function packKeys(keys: Iterable<number>): string {
  const bytes: number[] = [];
  let last = 0;
  for (const key of [...keys].sort((a, b) => a - b)) {
    let rest = key - last;
    last = key;
    while (rest >= 128) {
      bytes.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    bytes.push(rest);
  }
  const text = bytes.map((byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Reads what `packKeys` wrote; broken text gives no keys. */
export function unpackKeys(text: string): Set<number> {
  const keys = new Set<number>();
  let bytes: string;
  try {
    bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return keys;
  }
  let last = 0;
  let value = 0;
  let scale = 1;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes.charCodeAt(index);
    value += (byte % 128) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    last += value;
    if (!Number.isSafeInteger(last)) return new Set();
    keys.add(last);
    value = 0;
    scale = 1;
  }
  return keys;
}
