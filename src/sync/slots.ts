/**
 * Slots limit how many runs work concurrently on this server (`SYNC_CONCURRENCY`).
 *
 * A run that waits for Cliniko returns its slot and takes one again when it continues. A run that has stored many records returns
 * its slot between two batches when another run wants one, so a small clinic does not wait for the end of large ones. Slots that
 * become free go in turn to runs that continue, oldest first, and to new runs.
 *
 * A run that waits for a slot keeps the pages that it has read, and requests none ahead. So no new run begins while many runs
 * wait.
 */
import { waitForTurn } from '../timing/wait-for-turn.ts';

/** Records of a turn. Most clinics are smaller, so they keep their slot until they end. */
export const TURN_RECORDS = 1_000;

/** A run whose turn ended holds `CLINIKO_CONCURRENCY` pages of 100 patients and two or three more: about 0.2 MB a page. */
const WAITING_RUNS_AT_MOST = 32;

export interface Slots {
  /** Slots that a new run may take now. */
  readonly free: number;
  /** Takes a slot for a new run, without a check of the limit: the caller checks `free`. */
  take(): Slot;
  /** Whether a new run may want a slot. While it may, every second slot that becomes free is left for it. */
  setWantedByNew(isWanted: boolean): void;
}

export interface Slot {
  /** Takes a slot again if one is free and no other run waits for it. @returns whether the run has a slot */
  resumeIfFree(): boolean;
  /** Returns the slot while the run waits. Idempotent. */
  pause(): void;
  /** Call it between two batches: resolves when the run has a slot for the next one. Rejects with the signal's reason. */
  resume(signal: AbortSignal): Promise<void>;
  /** The run has stored these records. */
  worked(records: number): void;
  /** Returns the slot when the run has ended. Idempotent. */
  release(): void;
}

/** @param onFree called when a new run may take a slot */
export function createSlots(limit: number, onFree: () => void): Slots {
  const queue = createQueue();
  let used = 0;
  const free = (): number => (queue.isForNew() ? Math.max(0, limit - used) : 0);
  const continueWaiting = (): void => {
    while (used < limit && !queue.isForNew()) queue.next();
  };
  const freeSlot = (): void => {
    used -= 1;
    continueWaiting();
    if (free() > 0) onFree();
  };
  return {
    get free() {
      return free();
    },
    setWantedByNew(isWanted) {
      queue.isWantedByNew = isWanted;
      continueWaiting();
    },
    take() {
      let holds = false;
      let records = 0;
      const begin = (): void => {
        used += 1;
        holds = true;
        records = 0;
      };
      const pause = (): void => {
        if (!holds) return;
        holds = false;
        freeSlot();
      };
      const resumeIfFree = (): boolean => {
        if (!holds && used < limit && queue.isEmpty()) begin();
        return holds;
      };
      begin();
      queue.tookNew();
      continueWaiting();
      return {
        resumeIfFree,
        pause,
        release: pause,
        worked(count) {
          records += count;
        },
        async resume(signal) {
          signal.throwIfAborted();
          const isTurnOver = holds && records >= TURN_RECORDS && queue.isWanted();
          if (!isTurnOver && resumeIfFree()) return;
          const turn = queue.wait(signal, begin);
          if (isTurnOver) pause();
          else continueWaiting();
          await turn;
        },
      };
    },
  };
}

/** The runs that wait for a slot, and whose turn it is: theirs or that of a new run. */
function createQueue() {
  const waiting = new Set<() => void>();
  let wasNew = true;
  const mayBegin = () => queue.isWantedByNew && waiting.size < WAITING_RUNS_AT_MOST;
  const queue = {
    isWantedByNew: false,
    isEmpty: () => waiting.size === 0,
    isWanted: () => waiting.size > 0 || mayBegin(),
    /** Whether the next free slot is for a new run. */
    isForNew: () => waiting.size === 0 || (!wasNew && mayBegin()),
    tookNew(): void {
      wasNew = true;
    },
    /** The slot is taken in the call that returns it, so no other run gets it in between. */
    next(): void {
      const [first] = waiting;
      wasNew = false;
      first?.();
    },
    wait(signal: AbortSignal, begin: () => void): Promise<void> {
      return waitForTurn(signal, (go) => {
        const next = (): void => {
          waiting.delete(next);
          begin();
          go();
        };
        waiting.add(next);
        return () => waiting.delete(next);
      });
    },
  };
  return queue;
}
