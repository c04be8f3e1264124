/** Frames of any size for tests, written as the server writes them. */

type Values = Float32Array | Float64Array | Uint8Array | Uint32Array | Int32Array;

const DTYPES = new Map<unknown, string>([
  [Float32Array, 'f32'],
  [Float64Array, 'f64'],
  [Uint8Array, 'u8'],
  [Uint32Array, 'u32'],
  [Int32Array, 'i32'],
]);

interface Place {
  kind: string;
  run: string;
  layer: number;
  step: number;
}

function frame(place: Place, meta: object, arrays: Record<string, { values: Values; shape: number[] }>): Buffer {
  let end = 0;
  const headers = Object.entries(arrays).map(([name, { values, shape }]) => {
    const offset = Math.ceil(end / 8) * 8;
    end = offset + values.byteLength;
    return { name, dtype: DTYPES.get(values.constructor), shape, offset };
  });
  let text = JSON.stringify({ ...place, meta, arrays: headers });
  text += ' '.repeat((8 - ((4 + text.length) % 8)) % 8);
  const buffer = Buffer.alloc(4 + text.length + end);
  buffer.writeUInt32LE(text.length);
  buffer.write(text, 4);
  Object.values(arrays).forEach(({ values }, index) => {
    const at = 4 + text.length + headers[index]!.offset;
    Buffer.from(values.buffer, values.byteOffset, values.byteLength).copy(buffer, at);
  });
  return buffer;
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** An input map of ten crowds; `meta` says otherwise of it. */
export function inputMapFrame(run: string, layer: number, step: number, n: number, meta: object = {}): Buffer {
  const next = random(5);
  const position = new Float32Array(2 * n);
  const label = Int32Array.from({ length: n }, (_, row) => row % 10);
  for (let row = 0; row < n; row++) {
    const angle = (label[row]! * 2 * Math.PI) / 10;
    position[2 * row] = 20 * Math.cos(angle) + 4 * (next() + next() - 1);
    position[2 * row + 1] = 20 * Math.sin(angle) + 4 * (next() + next() - 1);
  }
  const rows = { shape: [n] };
  return frame(
    { kind: 'input_map', run, layer, step },
    {
      method: 'tsne',
      scale: 0,
      scales: 1,
      iterations: 500,
      planned_iterations: 500,
      settled: true,
      preservation: 0.6,
      step,
      level: 1,
      ...meta,
    },
    {
      position: { values: position, shape: [n, 2] },
      input: { values: Int32Array.from({ length: n }, (_, row) => row), ...rows },
      place: { values: new Int32Array(2 * n), shape: [n, 2] },
      label: { values: label, ...rows },
      prediction: { values: label, ...rows },
      count: { values: new Uint32Array(n).fill(1), ...rows },
      split: { values: new Uint8Array(n), ...rows },
      max_activation: { values: Float32Array.from({ length: n }, () => next()), ...rows },
      rect: { values: new Int32Array(4 * n), shape: [n, 4] },
    },
  );
}

/** A layer of many filters; `meta` is a real layer's. */
export function layerFrame(run: string, layer: number, step: number, meta: object, filters: number): Buffer {
  const next = random(9);
  const rows = { shape: [filters] };
  const max = Float32Array.from({ length: filters }, (_, filter) => (filter % 50 === 7 ? 0 : 5 * next()));
  return frame(
    { kind: 'layer', run, layer, step },
    { ...meta, groups: [], level: 4 },
    {
      max: { values: max, ...rows },
      all_time_max: { values: max, ...rows },
      frequency: { values: Float32Array.from({ length: filters }, () => next() * 0.4), ...rows },
      sum: { values: new Float64Array(filters).fill(1), ...rows },
      label: { values: Int32Array.from({ length: filters }, (_, filter) => filter % 10), ...rows },
      specificity: { values: Float32Array.from({ length: filters }, () => next()), ...rows },
      state: { values: Uint8Array.from(max, (value) => (value === 0 ? 1 : 0)), ...rows },
    },
  );
}
