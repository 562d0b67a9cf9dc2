/**
 * Whether a run is active: a page arrived, a batch was stored, a phase began, or a reported wait is not over yet.
 *
 * The worker renews the leases of active runs only (worker.ts). Every wait of a run has its own limit, so a run that is
 * inactive for longer than all of them hangs, and a new claim gets further.
 */

/** Longer than the time limits of a statement (database/open.ts) and of a request to Cliniko. */
const STALLED_AFTER_MS = 45_000;

export interface Activity {
  /** The run has made progress. */
  moved(): void;
  /** The run has reported that it waits until then. */
  waitsUntil(time: Date): void;
  /** Counts as active during a wait that another part limits, such as the wait for a slot. */
  during<T>(wait: Promise<T>): Promise<T>;
  readonly isStalled: boolean;
}

export function createActivity(stalledAfterMs = STALLED_AFTER_MS, now = () => performance.now()): Activity {
  let movedAt = now();
  let waiting = 0;
  return {
    moved: () => {
      movedAt = Math.max(movedAt, now());
    },
    // By our own clock, which also decides when the wait is over.
    waitsUntil: (time) => {
      movedAt = Math.max(movedAt, now() + time.getTime() - Date.now());
    },
    async during(wait) {
      waiting += 1;
      return await wait.finally(() => {
        waiting -= 1;
        movedAt = Math.max(movedAt, now());
      });
    },
    get isStalled() {
      return waiting === 0 && now() - movedAt > stalledAfterMs;
    },
  };
}
