/**
 * Whether a run moves: a page came in, a batch was stored, a phase began, or a wait was told that is not over.
 *
 * The worker renews the lease of a run that moves, and of no other (worker.ts). Every wait of a run has a limit of its own,
 * so a run that stands still longer than all of them hangs, and another claim gets further.
 */

/** Longer than a statement may wait for its answer (database/open.ts) and a request to Cliniko for its own. */
export const STALLED_AFTER_MS = 45_000;

export interface Activity {
  /** Something that brings the run forward has happened. */
  moved(): void;
  /** The run has told that it waits until then. */
  waitsUntil(time: Date): void;
  /** Does not count as standing still: a wait that another part limits, such as the one for a slot. */
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
    // By our own clock, which also says when the wait is over.
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
