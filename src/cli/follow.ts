/**
 * Follows one run to its end from outside: on its stream, and with a poll whenever the stream breaks.
 *
 * What the poll says and what the stream says is the same object, so it does not matter which one brought it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { StreamEvent } from '../contract/stream-event.ts';
import { StartedSync, SyncLog } from '../contract/sync-log.ts';

const AGAIN_AFTER_MS = 1_000;

/** Where a server is, and how it knows us. */
export interface Server {
  url: string;
  token?: string | undefined;
}

/** The server refused; the message says why, in its own words. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

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

/** Every change of the run that we hear of, the last one included. Ends with it. Lost connections are taken up again. */
export async function* followRun(
  server: Server,
  organizationId: number,
  id: number,
): AsyncGenerator<SyncLog> {
  for await (const log of everyLog(server, organizationId, id)) {
    if (log.id !== id) continue;
    yield log;
    if (log.status !== 'running') return;
  }
}

/** The stream for as long as it lasts, a poll when it broke, and the stream again. Never ends by itself. */
async function* everyLog(server: Server, organizationId: number, id: number): AsyncGenerator<SyncLog> {
  for (;;) {
    try {
      yield* streamedLogs(server, organizationId);
      yield await polledLog(server, organizationId, id);
    } catch (error) {
      // Anything else is a server that is away for a moment.
      if (error instanceof RefusedError) throw error;
    }
    await delay(AGAIN_AFTER_MS);
  }
}

async function* streamedLogs(server: Server, organizationId: number): AsyncGenerator<SyncLog> {
  const stop = new AbortController();
  try {
    const response = await request(server, `/sync-logs/${organizationId}/events`, { signal: stop.signal });
    for await (const data of eventData(response)) {
      const event = StreamEvent.safeParse(JSON.parse(data));
      if (event.success && event.data.log !== null) yield event.data.log;
    }
  } finally {
    stop.abort();
  }
}

/** The `data:` of each event. Our server writes one line of it an event, and line feeds only. */
async function* eventData(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) yield line.slice('data: '.length);
  }
}

async function polledLog(server: Server, organizationId: number, id: number): Promise<SyncLog> {
  const response = await request(server, `/sync-logs/${organizationId}/${id}`, {});
  return SyncLog.parse(await response.json());
}

async function request(server: Server, path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(
    server.token === undefined ? [] : [['authorization', `Bearer ${server.token}`]],
  );
  const response = await fetch(`${server.url}/api/v1/cliniko${path}`, { ...init, headers });
  if (response.ok) return response;
  const text = await response.text();
  if (response.status >= 500) throw new Error(`The server answered ${response.status}.`);
  throw new RefusedError(detailOf(text) ?? `The server answered ${response.status}.`);
}

function detailOf(text: string): string | undefined {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem !== 'object' || problem === null || !('detail' in problem)) return undefined;
    return String(problem.detail);
  } catch {
    return undefined;
  }
}
