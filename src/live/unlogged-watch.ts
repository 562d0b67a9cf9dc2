/**
 * Checks the watched organizations for changes that bypassed the triggers (events/unlogged-changes.ts), and appends a
 * snapshot for their clients. If the events themselves were overwritten, it ends the epoch.
 */
import type { EventLog } from '../events/event-log.ts';
import type { FoundTrace, Trace } from '../events/unlogged-changes.ts';

/** Finds such a change within a minute, also when one check fails. */
const CHECK_EVERY_MS = 10_000;

/** Above so many organizations each check looks at a part of them. All parts have their turn within 48 s; a failed check is repeated. */
const FEW = 1_000;
const TURNS = 4;

/** Maximum organizations in one statement. */
const ORGANIZATIONS_PER_QUERY = 200;

export interface UnloggedWatchOptions {
  log: Pick<EventLog, 'readTraces' | 'appendSnapshot' | 'endEpoch'>;
  /** The organizations with a channel in this process, or with recent polls. */
  watched: () => Iterable<number>;
  onFailure: (error: unknown) => void;
  everyMs?: number;
}

/** @returns a function that stops the checks */
export function watchUnloggedChanges({ log, watched, onFailure, everyMs }: UnloggedWatchOptions): () => void {
  let traces = new Map<number, Trace>();
  let isChecking = false;
  let turn = 0;
  const check = async (): Promise<void> => {
    const found: FoundTrace[] = [];
    const all = [...new Set(watched())];
    const due = all.length <= FEW ? all : all.filter((id) => id % TURNS === turn % TURNS);
    const before = due.map((id) => traces.get(id) ?? { organizationId: id, head: 0 });
    for (let from = 0; from < before.length; from += ORGANIZATIONS_PER_QUERY) {
      found.push(...(await log.readTraces(before.slice(from, from + ORGANIZATIONS_PER_QUERY))));
    }
    for (const trace of found) {
      const known = traces.get(trace.organizationId);
      if (isRewritten(known, trace)) {
        traces = new Map();
        return await log.endEpoch(trace.epoch);
      }
      if (trace.isUnlogged || isChanged(known, trace)) await log.appendSnapshot(trace);
    }
    const ofOthers = all.flatMap((id) => traces.get(id) ?? []);
    turn += 1;
    traces = new Map([...ofOthers, ...found].map((trace) => [trace.organizationId, trace]));
  };
  const timer = setInterval(
    async () => {
      if (isChecking) return;
      isChecking = true;
      await check().catch(onFailure);
      isChecking = false;
    },
    everyMs ?? CHECK_EVERY_MS * (0.8 + Math.random() * 0.4),
  );
  timer.unref();
  return () => clearInterval(timer);
}

/** Rows changed without an event. */
function isChanged(known: Trace | undefined, now: Trace): boolean {
  return known !== undefined && known.head === now.head && known.signature !== now.signature;
}

/** Another event has the `seq` of the previous newest event. */
function isRewritten(known: Trace | undefined, { headAtBefore }: FoundTrace): boolean {
  return (
    known !== undefined && known.headAt !== null && headAtBefore !== null && known.headAt !== headAtBefore
  );
}
