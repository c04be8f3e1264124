/** Writes TensorBoard event files as PyTorch's SummaryWriter does, scalars alone. */

import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** A scalar's points: `[step, value]`. */
export type Points = readonly (readonly [number, number])[];

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  return sum;
});

/** CRC-32C, masked as in TFRecord files. */
function masked(bytes: Buffer): Buffer {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255]! ^ (sum >>> 8);
  sum = ~sum >>> 0;
  const result = Buffer.alloc(4);
  result.writeUInt32LE((((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0);
  return result;
}

function record(bytes: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, masked(length), bytes, masked(bytes)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function event(tag: string, step: number, value: number): Buffer {
  const simple = Buffer.alloc(5, (2 << 3) | 5);
  simple.writeFloatLE(value, 1);
  const wall = Buffer.alloc(9, (1 << 3) | 1);
  wall.writeDoubleLE(1_700_000_000 + step, 1);
  const summary = field(1, Buffer.concat([field(1, Buffer.from(tag)), simple]));
  return Buffer.concat([wall, Buffer.from([2 << 3]), varint(step), field(5, summary)]);
}

/** Adds scalars to a file, which is made where it is missing, with its folder. */
export function appendEvents(file: string, scalars: Readonly<Record<string, Points>>): void {
  mkdirSync(dirname(file), { recursive: true });
  for (const [tag, points] of Object.entries(scalars)) {
    appendFileSync(file, Buffer.concat(points.map(([step, value]) => record(event(tag, step, value)))));
  }
}

/** A made-up training's scalars over so many steps, with many tags beside the usual ones. */
export function someScalars(steps: number, more = 0): Record<string, Points> {
  const curve = (every: number, value: (step: number) => number): Points =>
    Array.from({ length: Math.floor(steps / every) + 1 }, (_, index) => [index * every, value(index * every)]);
  const scalars: Record<string, Points> = {
    'loss/train': curve(1, (step) => 2.3 * Math.exp(-step / (steps / 5)) + 0.05 + 0.03 * Math.sin(step * 1.7)),
    'learning rate': curve(5, (step) => 0.01 * (1 + 0.01 * step) ** -0.75),
    'gradient norm': curve(2, (step) => 4 / (1 + step / 20) + 0.4 * Math.sin(step)),
  };
  for (let number = 0; number < more; number++) scalars[`layer.${number}/weights`] = curve(20, (step) => step * number);
  return scalars;
}
