import { describe, expect, it } from 'vitest';
import { Latest } from '../../src/net/latest';

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('Latest', () => {
  it('runs the first and the last of many', async () => {
    const latest = new Latest();
    const ran: number[] = [];
    const open: (() => void)[] = [];
    for (let index = 0; index < 5; index++) {
      latest.request(async () => {
        ran.push(index);
        await new Promise<void>((resolve) => open.push(resolve));
      });
    }
    open[0]!();
    await turn();
    expect(ran).toEqual([0, 4]);
  });

  it('gives up what runs when it is replaced', async () => {
    const latest = new Latest();
    let given = false;
    latest.request(async (signal) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      given = signal.aborted;
      throw new Error('aborted');
    });
    let ran = false;
    latest.replace(async () => {
      ran = true;
    });
    await turn();
    expect([given, ran]).toEqual([true, true]);
  });
});
