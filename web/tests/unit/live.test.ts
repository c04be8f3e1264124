import { describe, expect, it } from 'vitest';
import { Waiting } from '../../src/net/live';

const scalars = (step: number) =>
  JSON.stringify({
    type: 'scalars',
    run: 'r',
    step: [step],
    loss: [1],
    train_accuracy: [0],
    validations: { step: [], accuracy: [], loss: [] },
  });

function frame(kind: string, step: number): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify({ kind, run: 'r', layer: 0, step, arrays: [] }));
  const buffer = new ArrayBuffer(4 + text.length);
  new DataView(buffer).setUint32(0, text.length, true);
  new Uint8Array(buffer, 4).set(text);
  return buffer;
}

describe('what waits for the next picture', () => {
  it('is the newest of each kind, and all scalars', () => {
    const waiting = new Waiting();
    for (const step of [1, 2, 3]) {
      waiting.take(JSON.stringify({ type: 'run', run: 'r', step }));
      waiting.take(scalars(step));
      waiting.take(frame('layer', step));
      waiting.take(frame('input_map', 10 * step));
    }
    const update = waiting.update();
    expect(update.run?.step).toBe(3);
    expect(update.scalars.map((part) => part.step[0])).toEqual([1, 2, 3]);
    expect(update.frames.map(({ kind, step }) => [kind, step])).toEqual([
      ['layer', 3],
      ['input_map', 30],
    ]);
  });

  it('remembers that findings changed in an overview that a newer one replaced', () => {
    const waiting = new Waiting();
    waiting.take(JSON.stringify({ type: 'overview', run: 'r', step: 20, layers: [], findings_changed: true }));
    waiting.take(JSON.stringify({ type: 'overview', run: 'r', step: 40, layers: [], findings_changed: false }));
    expect(waiting.update().overview).toMatchObject({ step: 40, findings_changed: true });
  });

  it('does not grow while a hidden page draws nothing', () => {
    const waiting = new Waiting();
    for (let step = 0; step < 5000; step++) waiting.take(scalars(step));
    const update = waiting.update();
    expect(update.scalars.length).toBeLessThanOrEqual(200);
    expect(update.scalarsMissed).toBe(true);
  });

  it('reports a broken frame and keeps the others', () => {
    const waiting = new Waiting();
    waiting.take(new ArrayBuffer(2));
    waiting.take(frame('layer', 1));
    const update = waiting.update();
    expect(update.frames).toHaveLength(1);
    expect(update.error).toContain('frame of 2 bytes');
  });
});
