import { describe, expect, test, vi } from 'vitest';
import { createSlots, type Slot, TURN_RECORDS } from '../../src/sync/slots.ts';

/** A run that is not aborted. Each has its own signal. */
const never = () => new AbortController().signal;

describe('slots', () => {
  test('are used by runs that work, and not by runs that wait', () => {
    const slots = createSlots(2, () => {});
    const [first] = [slots.take(), slots.take()];
    expect([slots.free, first.resumeIfFree()]).toEqual([0, true]);
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
    const goesOn = waiting.resume(never());
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

/** Stores a whole turn, and continues. @returns whether the run has a slot for its next batch */
function afterTurn(slot: Slot): { hasSlot: boolean } {
  const run = { hasSlot: false };
  slot.worked(TURN_RECORDS);
  void slot.resume(never()).then(() => {
    run.hasSlot = true;
  });
  return run;
}

const loopTurn = () => new Promise(setImmediate);

describe('a run that has had its turn', () => {
  test('keeps its slot while no other run wants one', async () => {
    const slots = createSlots(1, () => {});
    const run = afterTurn(slots.take());
    await loopTurn();
    expect([run.hasSlot, slots.free]).toEqual([true, 0]);
  });

  test('begins another one when it has waited for Cliniko', async () => {
    const slots = createSlots(1, () => {});
    const [other, run] = [slots.take(), slots.take()];
    other.pause();
    run.worked(TURN_RECORDS);
    run.pause();
    await run.resume(never());
    void other.resume(never());
    await run.resume(never());
    expect(run.resumeIfFree()).toBe(true);
  });

  test('returns it to the run that has waited longest, and continues after it', async () => {
    const slots = createSlots(1, () => {});
    const first = slots.take();
    first.pause();
    const second = slots.take();
    const continued = first.resume(never());
    const waits = afterTurn(second);
    await continued;
    await loopTurn();
    expect([waits.hasSlot, slots.free]).toEqual([false, 0]);
    first.release();
    await loopTurn();
    expect(waits.hasSlot).toBe(true);
  });

  test('alternates with new runs, and continues at once when there is none', async () => {
    let freed = 0;
    const slots = createSlots(1, () => freed++);
    const large = slots.take();
    slots.setWantedByNew(true);
    // The slot was taken by a new run last, so the next turn is that of a run that continues.
    const second = afterTurn(large);
    await loopTurn();
    expect([second.hasSlot, slots.free, freed]).toEqual([true, 0, 0]);

    const third = afterTurn(large);
    await loopTurn();
    expect([third.hasSlot, slots.free, freed]).toEqual([false, 1, 1]);
    const small = slots.take();
    small.release();
    await loopTurn();
    expect(third.hasSlot).toBe(true);

    const fourth = afterTurn(large);
    await loopTurn();
    expect(fourth.hasSlot).toBe(false);
    slots.setWantedByNew(false);
    await loopTurn();
    expect([fourth.hasSlot, slots.free]).toEqual([true, 0]);
  });

  test('does not take the slot that is left for a new run, until many runs wait', async () => {
    const slots = createSlots(1, () => {});
    const [first, ...waiting] = Array.from({ length: 33 }, () => slots.take());
    for (const slot of [first, ...waiting]) slot?.pause();
    const working = slots.take();
    slots.setWantedByNew(true);
    const [second, ...others] = waiting;
    for (const slot of [first, second]) void slot?.resume(never());
    // It goes to the first one, and then to a new run.
    working.release();
    first?.release();
    expect([slots.free, second?.resumeIfFree()]).toEqual([1, false]);
    const last = others.pop();
    for (const slot of others) void slot.resume(never());
    expect(slots.free).toBe(1);
    void last?.resume(never());
    expect([slots.free, second?.resumeIfFree()]).toEqual([0, true]);
  });

  test('has precedence over new runs while many runs wait with their pages', async () => {
    const slots = createSlots(1, () => {});
    const open = Array.from({ length: 200 }, () => slots.take());
    for (const slot of open) slot.pause();
    const working = slots.take();
    let continued = 0;
    const waiting = open.map(async (slot) => {
      await slot.resume(never());
      continued += 1;
      slot.release();
    });
    slots.setWantedByNew(true);
    working.release();
    await vi.waitFor(() => expect(slots.free).toBe(1));
    expect(continued).toBeGreaterThan(150);
    expect(continued).toBeLessThan(200);
    slots.setWantedByNew(false);
    await Promise.all(waiting);
  });
});
