/** The end of a run, as a dashboard sees it: by the event stream of the organization. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { StreamEvent } from '#contract/stream-event.ts';
import { SyncLog } from '#contract/sync-log.ts';

/** @returns when the stream is open; `ended` is the log of the first run that ends from then on */
export async function watchForEnd(
  serverUrl: string,
  organization: number,
): Promise<{ ended: Promise<SyncLog> }> {
  const stop = new AbortController();
  const path = `/api/v1/cliniko/sync-logs/${organization}/events`;
  const { body } = await fetch(`${serverUrl}${path}`, { signal: stop.signal });
  if (body === null) throw new Error('The event stream has no body.');
  const events = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  const firstEnd = async (): Promise<SyncLog> => {
    for await (const { event, data } of events) {
      if (event !== 'completed' && event !== 'failed') continue;
      stop.abort();
      const { log } = StreamEvent.parse(JSON.parse(data));
      return SyncLog.parse(log);
    }
    throw new Error('The event stream ended before the run.');
  };
  return { ended: firstEnd() };
}
