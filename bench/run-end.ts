/** The end of a run, as a dashboard sees it: by the event stream of the organization. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { StreamEvent } from '#contract/stream-event.ts';
import { SyncLog } from '#contract/sync-log.ts';

/**
 * It parses only the event that it waits for, because it shares the processors with what is measured.
 *
 * @returns when the stream is open; `ended` is the log of the first run that ends from then on
 */
export async function watchForEnd(
  serverUrl: string,
  organization: number,
): Promise<{ ended: Promise<SyncLog> }> {
  const request = get(`${serverUrl}/api/v1/cliniko/sync-logs/${organization}/events`);
  const [stream]: IncomingMessage[] = await once(request, 'response');
  if (stream === undefined) throw new Error('The event stream has no body.');
  return { ended: firstEnd(stream).finally(() => request.destroy()) };
}

const END = /^event: (?:completed|failed)\ndata: (.+)\n\n/m;

async function firstEnd(stream: IncomingMessage): Promise<SyncLog> {
  let unread = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    unread += String(chunk);
    const data = END.exec(unread)?.[1];
    if (data !== undefined) return SyncLog.parse(StreamEvent.parse(JSON.parse(data)).log);
    unread = unread.slice(unread.lastIndexOf('\n\n') + 1);
  }
  throw new Error('The event stream ended before the run.');
}
