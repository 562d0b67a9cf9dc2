/**
 * Reads of the log that many clients ask for at once, as after the restart of a server: one statement answers all that wait. Each
 * begins after the calls that it answers, so no caller gets an older state than it would have read itself.
 *
 * Not here: what one client alone has missed (client-reads.ts).
 */
import type { EventLog } from '../events/event-log.ts';
import type { StreamState } from '../events/event-queries.ts';

/** Calls during a read share the next one. */
export function shareRead<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    next = undefined;
    running = read().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return begin();
    next ??= running.then(begin, begin);
    return next;
  };
}

/** At once, so that one client does not wait for the many organizations of another. */
const READS_AT_ONCE = 2;
/** Of one statement, unless a client alone asks for more. */
const ORGANIZATIONS_AT_ONCE = 500;

interface Call {
  ids: readonly number[];
  resolve: (states: StreamState[]) => void;
  reject: (error: unknown) => void;
}

export function shareStates({ readStates }: Pick<EventLog, 'readStates'>): EventLog['readStates'] {
  const waiting: Call[] = [];
  let reading = 0;
  const run = async (): Promise<void> => {
    reading += 1;
    while (waiting.length > 0) {
      const calls = takeCalls(waiting);
      try {
        const states = await readStates([...new Set(calls.flatMap(({ ids }) => ids))]);
        const byId = new Map(states.map((state) => [state.organizationId, state]));
        for (const { ids, resolve } of calls) resolve(ids.flatMap((id) => byId.get(id) ?? []));
      } catch (error) {
        for (const { reject } of calls) reject(error);
      }
    }
    reading -= 1;
  };
  return (ids) =>
    new Promise((resolve, reject) => {
      waiting.push({ ids, resolve, reject });
      if (reading < READS_AT_ONCE) void run();
    });
}

/** First come, first served; at least one. */
function takeCalls(waiting: Call[]): Call[] {
  const ids = new Set<number>();
  let taken = 0;
  for (const call of waiting) {
    for (const id of call.ids) ids.add(id);
    if (taken > 0 && ids.size > ORGANIZATIONS_AT_ONCE) break;
    taken += 1;
  }
  return waiting.splice(0, taken);
}
