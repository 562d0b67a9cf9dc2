/**
 * The timeline of one run as a stream: the next events are read from the database when the client has consumed the earlier
 * ones.
 *
 * A long run has tens of megabytes of events. If they were read at once, every slow client would keep all of them in memory.
 */
import type { TimelineEvent } from './event-queries.ts';

/** A few hundred kilobytes. */
const EVENTS_A_PART = 200;

/** Reads the events of the run after this `seq`, in order. */
export type ReadPart = (after: string, limit: number) => Promise<readonly TimelineEvent[]>;

/**
 * @param onFailure called when a later part cannot be read; it has to end the connection, so that the client does not take the
 *   text for whole
 * @returns the JSON text of the response (contract/stream-event.ts, `Timeline`)
 * @throws the error of the first part
 */
export async function streamTimeline(
  readPart: ReadPart,
  onFailure: (error: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  let after = '0';
  let trimmed: boolean | undefined;
  let first: readonly TimelineEvent[] | undefined = await readPart(after, EVENTS_A_PART);
  // The adapter would print an error of the stream, with its message.
  const nextPart = async () => {
    try {
      return first ?? (await readPart(after, EVENTS_A_PART));
    } catch (error) {
      onFailure(error);
      return undefined;
    }
  };
  return new ReadableStream(
    {
      async pull(controller) {
        const events = await nextPart();
        first = undefined;
        if (events === undefined) return controller.close();
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
