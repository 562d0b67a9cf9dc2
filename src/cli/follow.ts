/**
 * Follows the runs of one organization over HTTP: on its stream, and with a poll whenever the stream breaks.
 *
 * Poll and stream return the same object, so either may deliver it. A stream that broke, fell silent or sent bye is
 * resumed after the last event, until the monitor's limit is reached.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseCursor } from '#contract/cursor.ts';
import { createEventParser, type ReceivedEvent } from '#contract/event-stream-text.ts';
import { Bye, HEARTBEAT_MS, StreamEvent } from '#contract/stream-event.ts';
import { StartedSync, SyncLog, SyncLogList } from '#contract/sync-log.ts';
import { CommandError } from './arguments.ts';
import type { ConnectionMonitor } from './connection-monitor.ts';
import { request, type Server } from './request.ts';

/** With a random half taken off, so that many terminals do not come back in one moment. */
const AGAIN_AFTER_MS = 2_000;
/** After this time without a ping the stream counts as dead, whatever the state of its connection. */
const SILENCE_MS = HEARTBEAT_MS * 2.5;

export type SyncMode = 'full' | 'active' | 'changed';

const PATHS: Record<SyncMode, string> = { full: 'sync-all', active: 'sync-active', changed: 'sync-changed' };

/** @throws RefusedError */
export async function startSync(
  server: Server,
  organizationId: number,
  mode: SyncMode,
): Promise<StartedSync> {
  const response = await request(server, `/${PATHS[mode]}/${organizationId}`, { method: 'POST' });
  return StartedSync.parse(await response.json());
}

/**
 * Every received change of the run, and the last one always. Ends with it. Reconnects after a lost connection.
 *
 * @throws RefusedError, ConnectionLostError
 */
export async function* followRun(
  server: Server,
  organizationId: number,
  id: number,
  monitor: ConnectionMonitor,
): AsyncGenerator<SyncLog> {
  const askForRun = async () => {
    const response = await request(server, `/sync-logs/${organizationId}/${id}`, {});
    return SyncLog.parse(await response.json());
  };
  for await (const log of everyLog(server, organizationId, askForRun, monitor)) {
    if (log?.id !== id) continue;
    yield log;
    if (log.status !== 'running') return;
  }
}

/**
 * The latest run of the organization, null when it has never synced, and then every change of every run. Never ends.
 *
 * @throws RefusedError, ConnectionLostError
 */
export function followOrganization(
  server: Server,
  organizationId: number,
  monitor: ConnectionMonitor,
): AsyncGenerator<SyncLog | null> {
  const askForLatest = async () => {
    const response = await request(server, `/sync-logs/${organizationId}?limit=1`, {});
    return SyncLogList.parse(await response.json()).logs[0] ?? null;
  };
  return everyLog(server, organizationId, askForLatest, monitor);
}

/** The position that the streams have reached. */
interface Place {
  cursor: string | undefined;
}

/** The stream for as long as it lasts, a poll when it broke, and the stream again. */
async function* everyLog(
  server: Server,
  organizationId: number,
  poll: () => Promise<SyncLog | null>,
  monitor: ConnectionMonitor,
): AsyncGenerator<SyncLog | null> {
  const place: Place = { cursor: undefined };
  for (;;) {
    let retryMs = AGAIN_AFTER_MS * (0.5 + Math.random() / 2);
    try {
      for await (const said of stream(server, organizationId, place, monitor)) {
        if ('retryMs' in said) retryMs = said.retryMs;
        else yield said.log;
      }
      const log = await poll();
      monitor.answered();
      if (isNews(log, place)) yield log;
    } catch (error) {
      // Any other error means that the server is temporarily unavailable.
      if (error instanceof CommandError) throw error;
      monitor.failed();
    }
    await delay(monitor.waitMs(retryMs));
  }
}

/** One stream, from behind the last event to its end: states, and perhaps at last when to come back. */
async function* stream(
  server: Server,
  organizationId: number,
  place: Place,
  monitor: ConnectionMonitor,
): AsyncGenerator<{ log: SyncLog | null } | { retryMs: number }> {
  const stop = new AbortController();
  const silence = setTimeout(() => stop.abort(), SILENCE_MS);
  try {
    const since = place.cursor === undefined ? '' : `?since=${place.cursor}`;
    const path = `/sync-logs/${organizationId}/events${since}`;
    const response = await request(server, path, { signal: stop.signal });
    monitor.answered();
    for await (const { type, data } of eventsOf(response)) {
      silence.refresh();
      const bye = type === 'bye' ? Bye.safeParse(JSON.parse(data)).data : undefined;
      if (bye !== undefined) yield { retryMs: bye.retry_ms };
      const event = StreamEvent.safeParse(JSON.parse(data)).data;
      if (event === undefined) continue;
      place.cursor = event.cursor;
      yield { log: event.log };
    }
  } finally {
    clearTimeout(silence);
    stop.abort();
  }
}

async function* eventsOf(response: Response): AsyncGenerator<ReceivedEvent> {
  if (response.body === null) return;
  const events: ReceivedEvent[] = [];
  const parse = createEventParser((event) => events.push(event));
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    parse(piece);
    yield* events.splice(0);
  }
}

/** False for a change that the stream has already delivered, and for an older state from another server. */
function isNews(log: SyncLog | null, place: Place): boolean {
  const polled = parseCursor(log?.cursor ?? '');
  const known = parseCursor(place.cursor ?? '');
  if (polled === undefined || known === undefined || polled.epoch !== known.epoch) return true;
  return polled.seq > known.seq;
}
