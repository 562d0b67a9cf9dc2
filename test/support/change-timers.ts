/** Timers with other delays, so that a test need not wait for the limit that it is about. */
import { vi } from 'vitest';

/** @param delays milliseconds that are asked for, and what they become; until `mockRestore`, or the end of the test */
export function changeTimers(delays: Readonly<Record<number, number>>) {
  const real = globalThis.setTimeout;
  const changed = (work: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    real(work, delays[ms] ?? ms, ...args);
  return vi.spyOn(globalThis, 'setTimeout').mockImplementation(changed as typeof setTimeout);
}
