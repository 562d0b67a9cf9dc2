/** The event log in memory, so that the fan-out is measured without a database. */
import type { EventLog } from '../../src/events/event-log.ts';
import type { LoggedEvent } from '../../src/events/event-queries.ts';

export const EPOCH = 'bench';
const KEPT = 2_000;

export interface MemoryLog extends EventLog {
  append(event: LoggedEvent): void;
}

export function createMemoryLog(organizationId: number): MemoryLog {
  let events: LoggedEvent[] = [];
  const head = () => events.at(-1)?.seq ?? 0;
  return {
    spacingMs: 0,
    append(event) {
      events.push(event);
      if (events.length > KEPT * 2) events = events.slice(-KEPT);
    },
    readHeads: async () => ({
      epoch: EPOCH,
      flushed: 0n,
      horizon: '0',
      positions: [{ organizationId, seq: head() }],
    }),
    readOrganizations: async () => ({ epoch: EPOCH, ids: [organizationId] }),
    readStates: async (ids) =>
      ids.map((id) => ({
        organizationId: id,
        epoch: EPOCH,
        head: head(),
        oldest: events[0]?.seq ?? head() + 1,
        latest: null,
        at: new Date().toISOString(),
      })),
    readAfter: async (_epoch, [position], { limit }) => {
      // Dense, so the index of an event gives its seq.
      const first = Math.max(0, (position?.seq ?? 0) + 1 - (events[0]?.seq ?? 1));
      return events.slice(first, first + limit);
    },
    endEpoch: async () => {},
    readFingerprints: async () => [],
    appendSnapshot: async () => {},
    close: async () => {},
  };
}
