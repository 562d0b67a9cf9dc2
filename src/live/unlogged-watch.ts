/**
 * Looks for changes that no trigger has seen (events/unlogged-changes.ts), of the organizations that are watched: their clients get
 * a snapshot. When the history itself was written over, another epoch begins.
 */
import type { EventLog } from '../events/event-log.ts';
import type { FoundTrace, Trace } from '../events/unlogged-changes.ts';

/** Well within the minute in which such a change is found, also when a look fails once. */
const LOOK_EVERY_MS = 10_000;

/** Organizations that one statement looks at. */
const LOOKED_AT_ONCE = 200;

export interface UnloggedWatchOptions {
  log: Pick<EventLog, 'readTraces' | 'appendSnapshot' | 'endEpoch'>;
  /** The organizations whose clients would notice. */
  watched: () => Iterable<number>;
  onFailure: (error: unknown) => void;
  everyMs?: number;
}

/** @returns stops it */
export function watchUnloggedChanges({ log, watched, onFailure, everyMs }: UnloggedWatchOptions): () => void {
  let traces = new Map<number, Trace>();
  let looking = false;
  const look = async (): Promise<void> => {
    const found: FoundTrace[] = [];
    const before = [...watched()].map((id) => traces.get(id) ?? { organizationId: id, head: 0 });
    for (let from = 0; from < before.length; from += LOOKED_AT_ONCE) {
      found.push(...(await log.readTraces(before.slice(from, from + LOOKED_AT_ONCE))));
    }
    for (const trace of found) {
      const known = traces.get(trace.organizationId);
      if (isRewritten(known, trace)) {
        traces = new Map();
        return await log.endEpoch(trace.epoch);
      }
      if (trace.isUnlogged || isChanged(known, trace)) await log.appendSnapshot(trace);
    }
    traces = new Map(found.map((trace) => [trace.organizationId, trace]));
  };
  const timer = setInterval(
    async () => {
      if (looking) return;
      looking = true;
      await look().catch(onFailure);
      looking = false;
    },
    everyMs ?? LOOK_EVERY_MS * (0.8 + Math.random() * 0.4),
  );
  timer.unref();
  return () => clearInterval(timer);
}

/** Rows changed, and nothing was logged. */
function isChanged(known: Trace | undefined, now: Trace): boolean {
  return known !== undefined && known.head === now.head && known.signature !== now.signature;
}

/** Another event stands where the newest one stood. */
function isRewritten(known: Trace | undefined, { headAtBefore }: FoundTrace): boolean {
  return (
    known !== undefined && known.headAt !== null && headAtBefore !== null && known.headAt !== headAtBefore
  );
}
