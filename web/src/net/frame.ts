/** Binary frames: `u32 LE header length | header JSON | arrays, raw little-endian, each at a multiple of 8`. */

export interface NumberArrays {
  f32: Float32Array;
  f64: Float64Array;
  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  i32: Int32Array;
  i64: Int32Array;
}

export type DType = keyof NumberArrays;
export type NumberArray = NumberArrays[DType];

export interface FrameArray {
  dtype: DType;
  shape: number[];
  values: NumberArray;
}

/** One view's data at one step. */
export interface Frame {
  kind: string;
  run: string;
  layer: number | null;
  step: number;
  meta: Record<string, unknown>;
  arrays: Map<string, FrameArray>;
}

/** A frame that does not keep to the format. */
export class FrameError extends Error {
  override name = 'FrameError';
}

interface ArrayHeader {
  name: string;
  dtype: string;
  shape: number[];
  offset: number;
}

interface Header {
  kind: string;
  run: string;
  layer: number | null;
  step: number;
  meta?: Record<string, unknown>;
  arrays: ArrayHeader[];
}

const BYTES: Record<DType, number> = { f32: 4, f64: 8, u8: 1, u16: 2, u32: 4, i32: 4, i64: 8 };
const ALIGNMENT = 8;

/**
 * Reads a frame. Arrays are views into `buffer`, not copies (`i64` becomes `i32`, which holds every index that occurs).
 * @throws FrameError naming the field that is wrong.
 */
export function parseFrame(buffer: ArrayBuffer): Frame {
  if (buffer.byteLength < 4)
    throw new FrameError(`frame of ${buffer.byteLength} bytes: expected a header length first`);
  const length = new DataView(buffer).getUint32(0, true);
  const start = 4 + length;
  if (start > buffer.byteLength) {
    throw new FrameError(`frame header of ${length} bytes: the frame has only ${buffer.byteLength}`);
  }
  const header = parseHeader(new Uint8Array(buffer, 4, length));
  const arrays = new Map<string, FrameArray>();
  const body = alignUp(start);
  for (const array of header.arrays) arrays.set(array.name, readArray(buffer, body, array));
  const { kind, run, layer, step } = header;
  return { kind, run, layer, step, meta: header.meta ?? {}, arrays };
}

/** The values of an array that a frame must hold. */
export function arrayOf<T extends DType>(frame: Frame, name: string, dtype: T): NumberArrays[T] {
  const array = frame.arrays.get(name);
  if (array === undefined) throw new FrameError(`frame ${frame.kind}: no array ${name}`);
  if (array.dtype !== dtype) throw new FrameError(`frame ${frame.kind}: ${name} is ${array.dtype}, expected ${dtype}`);
  return array.values as NumberArrays[T];
}

/** The values of an array that a frame may leave out. */
export function optionalArrayOf<T extends DType>(frame: Frame, name: string, dtype: T): NumberArrays[T] | null {
  return frame.arrays.has(name) ? arrayOf(frame, name, dtype) : null;
}

function parseHeader(bytes: Uint8Array): Header {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new FrameError(`frame header is no JSON: ${String(error)}`);
  }
  if (typeof header !== 'object' || header === null || !Array.isArray((header as Header).arrays)) {
    throw new FrameError('frame header: expected an object with `arrays`');
  }
  return header as Header;
}

function readArray(buffer: ArrayBuffer, body: number, array: ArrayHeader): FrameArray {
  const { name, shape } = array;
  if (!(array.dtype in BYTES)) throw new FrameError(`array ${name}: unknown dtype ${array.dtype}`);
  const dtype = array.dtype as DType;
  const count = shape.reduce((product, size) => product * size, 1);
  const begin = body + array.offset;
  if (!Number.isSafeInteger(begin) || begin < body || begin + count * BYTES[dtype] > buffer.byteLength) {
    throw new FrameError(`array ${name}: ${count} ${dtype} at ${array.offset} reach beyond the frame`);
  }
  if (begin % BYTES[dtype] !== 0) throw new FrameError(`array ${name}: offset ${array.offset} is not aligned`);
  return { dtype, shape, values: view(buffer, begin, count, dtype) };
}

function view(buffer: ArrayBuffer, begin: number, count: number, dtype: DType): NumberArray {
  switch (dtype) {
    case 'f32':
      return new Float32Array(buffer, begin, count);
    case 'f64':
      return new Float64Array(buffer, begin, count);
    case 'u8':
      return new Uint8Array(buffer, begin, count);
    case 'u16':
      return new Uint16Array(buffer, begin, count);
    case 'u32':
      return new Uint32Array(buffer, begin, count);
    case 'i32':
      return new Int32Array(buffer, begin, count);
    case 'i64':
      return Int32Array.from(new BigInt64Array(buffer, begin, count), Number);
  }
}

function alignUp(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
