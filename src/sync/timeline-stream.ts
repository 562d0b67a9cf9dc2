/**
 * The timeline of one run as it is read: the next events are asked for when the client has taken those before them.
 *
 * A long run has tens of megabytes of events. Read at once, each client that asks for them and does not read would hold all
 * of them in memory.
 */
import type { TimelineEvent } from '../events/event-queries.ts';

/** Some hundred kilobytes. */
const EVENTS_A_PART = 200;

/** The events of the run behind this `seq`, in order. */
export type ReadPart = (after: string, limit: number) => Promise<readonly TimelineEvent[]>;

/** @returns the JSON text of the answer (contract/stream-event.ts, `Timeline`) */
export function streamTimeline(readPart: ReadPart): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let after = '0';
  let trimmed: boolean | undefined;
  return new ReadableStream(
    {
      async pull(controller) {
        const events = await readPart(after, EVENTS_A_PART);
        const lead = trimmed === undefined ? '{"events":[' : events.length > 0 ? ',' : '';
        trimmed ??= events[0]?.created !== true;
        const isLast = events.length < EVENTS_A_PART;
        const end = isLast ? `],"trimmed":${trimmed}}` : '';
        controller.enqueue(encoder.encode(lead + events.map(({ json }) => json).join(',') + end));
        after = events.at(-1)?.seq ?? after;
        if (isLast) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
