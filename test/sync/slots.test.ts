import { describe, expect, test } from 'vitest';
import { createSlots } from '../../src/sync/slots.ts';

const never = new AbortController().signal;

describe('slots', () => {
  test('are used by runs that work, and not by runs that wait', () => {
    const slots = createSlots(2, () => {});
    const [first] = [slots.take(), slots.take()];
    expect(slots.free).toBe(0);
    first.pause();
    first.pause();
    expect(slots.free).toBe(1);
    first.release();
    expect(slots.free).toBe(1);
  });

  test('go to a run that continues before runs that begin', async () => {
    let freed = 0;
    const slots = createSlots(1, () => freed++);
    const waiting = slots.take();
    waiting.pause();
    const working = slots.take();
    const goesOn = waiting.resume(never);
    expect(freed).toBe(1);
    working.release();
    expect(slots.free).toBe(0);
    await goesOn;
    expect(freed).toBe(1);
    waiting.release();
    expect([slots.free, freed]).toEqual([1, 2]);
  });

  test('are not waited for by an aborted run', async () => {
    const slots = createSlots(1, () => {});
    const waiting = slots.take();
    waiting.pause();
    const working = slots.take();
    const stop = new AbortController();
    const goesOn = waiting.resume(stop.signal);
    stop.abort(new Error('enough'));
    await expect(goesOn).rejects.toThrow('enough');
    waiting.release();
    working.release();
    expect(slots.free).toBe(1);
  });
});
