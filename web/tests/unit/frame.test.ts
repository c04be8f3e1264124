import { describe, expect, it } from 'vitest';
import { arrayOf, FrameError, optionalArrayOf, parseFrame, type DType } from '../../src/net/frame';

const SIZES: Record<DType, number> = { f32: 4, f64: 8, u8: 1, u16: 2, u32: 4, i32: 4, i64: 8 };
const DTYPES = Object.keys(SIZES) as DType[];

interface Array_ {
  name: string;
  dtype: DType;
  shape: number[];
  values: number[];
}

/** Writes a frame as the server does. */
function frameOf(arrays: Array_[], layer: number | null = 2): ArrayBuffer {
  const headers: object[] = [];
  const chunks: { offset: number; array: Array_ }[] = [];
  let end = 0;
  for (const array of arrays) {
    const offset = Math.ceil(end / 8) * 8;
    headers.push({ name: array.name, dtype: array.dtype, shape: array.shape, offset });
    chunks.push({ offset, array });
    end = offset + array.values.length * SIZES[array.dtype];
  }
  let text = JSON.stringify({ kind: 'layer', run: 'r1', layer, step: 40, meta: { level: 1.5 }, arrays: headers });
  text += ' '.repeat((8 - ((4 + text.length) % 8)) % 8);
  const buffer = new ArrayBuffer(4 + text.length + end);
  const view = new DataView(buffer);
  view.setUint32(0, text.length, true);
  new Uint8Array(buffer, 4, text.length).set(new TextEncoder().encode(text));
  const body = 4 + text.length;
  for (const { offset, array } of chunks) {
    array.values.forEach((value, index) => write(view, body + offset + index * SIZES[array.dtype], array.dtype, value));
  }
  return buffer;
}

function write(view: DataView, at: number, dtype: DType, value: number): void {
  if (dtype === 'f32') view.setFloat32(at, value, true);
  else if (dtype === 'f64') view.setFloat64(at, value, true);
  else if (dtype === 'u8') view.setUint8(at, value);
  else if (dtype === 'u16') view.setUint16(at, value, true);
  else if (dtype === 'u32') view.setUint32(at, value, true);
  else if (dtype === 'i32') view.setInt32(at, value, true);
  else view.setBigInt64(at, BigInt(value), true);
}

/** A small generator of repeatable numbers. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('parseFrame', () => {
  it('gives back every array of any dtype, in any order and number', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const next = random(seed);
      const arrays = Array.from({ length: Math.floor(next() * 6) }, (_, index): Array_ => {
        const dtype = DTYPES[Math.floor(next() * DTYPES.length)]!;
        const rows = Math.floor(next() * 9);
        const columns = 1 + Math.floor(next() * 3);
        const values = Array.from({ length: rows * columns }, () => Math.floor(next() * 120));
        return { name: `a${index}`, dtype, shape: [rows, columns], values };
      });
      const frame = parseFrame(frameOf(arrays));
      expect(frame.arrays.size).toBe(arrays.length);
      for (const { name, dtype, shape, values } of arrays) {
        expect(frame.arrays.get(name)?.shape).toEqual(shape);
        expect([...arrayOf(frame, name, dtype)]).toEqual(values);
      }
    }
  });

  it('reads the header', () => {
    const frame = parseFrame(frameOf([], null));
    expect(frame).toMatchObject({ kind: 'layer', run: 'r1', layer: null, step: 40, meta: { level: 1.5 } });
  });

  it('refuses every cut of a frame, and never reads beyond it', () => {
    const whole = frameOf([{ name: 'max', dtype: 'f32', shape: [5], values: [1, 2, 3, 4, 5] }]);
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => parseFrame(whole.slice(0, length))).toThrow(FrameError);
    }
  });

  it('names what is wrong', () => {
    const frame = parseFrame(frameOf([{ name: 'max', dtype: 'f32', shape: [1], values: [1] }]));
    expect(() => arrayOf(frame, 'label', 'i32')).toThrow('no array label');
    expect(() => arrayOf(frame, 'max', 'u8')).toThrow('max is f32, expected u8');
    expect(optionalArrayOf(frame, 'label_strength', 'f32')).toBeNull();
  });

  it('refuses an offset outside of the frame', () => {
    const text = JSON.stringify({
      kind: 'x',
      run: '',
      layer: null,
      step: 0,
      arrays: [{ name: 'a', dtype: 'u8', shape: [4], offset: -8 }],
    });
    const bytes = new TextEncoder().encode(text);
    const buffer = new ArrayBuffer(4 + bytes.length + 64);
    new DataView(buffer).setUint32(0, bytes.length, true);
    new Uint8Array(buffer, 4, bytes.length).set(bytes);
    expect(() => parseFrame(buffer)).toThrow(FrameError);
  });
});
