/**
 * Follows runs on a server with the project's own client library, which reconnects and changes the transport by itself.
 *
 * Here the library's callbacks become what a command needs: logs in order, an error when the server refuses or the
 * connection is lost for too long, and reports of a lost connection.
 */
import { WebSocket } from 'ws';
import type { ScheduleMode } from '#contract/organization.ts';
import type { StreamEvent } from '#contract/stream-event.ts';
import { StartedSync, SyncLog } from '#contract/sync-log.ts';
import { type Connection, type ConnectionKind, isConnected } from '#live/connection.ts';
import type { OpenSocket } from '#live/socket.ts';
import { watchEverything } from '#live/watch-everything.ts';
import { watchOrganization } from '#live/watch-organization.ts';
import { CommandError } from './arguments.ts';
import { type ConnectionOptions, createConnectionMonitor } from './connection-monitor.ts';
import { type Question, refusalOf, request, type Server } from './request.ts';

const PATHS: Record<ScheduleMode, string> = {
  full: 'sync-all',
  active: 'sync-active',
  changed: 'sync-changed',
};

/** @throws RefusedError */
export async function startSync(
  server: Server,
  organizationId: number,
  mode: ScheduleMode,
): Promise<StartedSync> {
  const path = `/cliniko/${PATHS[mode]}/${organizationId}`;
  const response = await request(server, path, { method: 'POST' });
  return StartedSync.parse(await response.json());
}

/**
 * Every received change of the run, the last one included. Ends with it.
 *
 * @throws RefusedError, ConnectionLostError
 */
export async function* followRun(
  server: Server,
  organizationId: number,
  id: number,
  options: ConnectionOptions,
): AsyncGenerator<SyncLog> {
  for await (const log of followOrganization(server, organizationId, options)) {
    const own = log?.id === id ? log : await readHiddenRun(server, organizationId, id);
    if (own === undefined) continue;
    yield own;
    if (own.status !== 'running') return;
  }
}

/** A run that ended while the connection was lost may be hidden by a later one, whose next change repeats a failed read. */
async function readHiddenRun(
  server: Server,
  organizationId: number,
  id: number,
): Promise<SyncLog | undefined> {
  try {
    const response = await request(server, `/cliniko/sync-logs/${organizationId}/${id}`, {});
    return SyncLog.parse(await response.json());
  } catch (error) {
    if (error instanceof CommandError) throw error;
    return undefined;
  }
}

/**
 * The latest run of the organization, null when it has never synced, and then every received change of every run. It never
 * ends by itself. Its errors are RefusedError and ConnectionLostError.
 */
export function followOrganization(
  server: Server,
  organizationId: number,
  options: ConnectionOptions,
): ReadableStream<SyncLog | null> {
  let stop = (): void => {};
  return new ReadableStream<SyncLog | null>({
    start(output) {
      const connection = followConnection(server, organizationQuestion(organizationId), options, (error) => {
        stop();
        output.error(error);
      });
      let last: SyncLog | null | undefined;
      const watch = watchOrganization(organizationId, {
        ...accessTo(server),
        share: false,
        onState({ isKnown, log }, shown) {
          connection.report(shown);
          if (!isKnown || log === last) return;
          last = log;
          output.enqueue(log);
        },
      });
      stop = () => {
        watch.stop();
        connection.stop();
      };
    },
    cancel: () => stop(),
  });
}

export interface EverythingHandlers {
  onEvent(event: StreamEvent): void;
  /** Subscribed: from here on every change arrives. */
  onConnected(): void;
}

/**
 * Follows all organizations. Never resolves.
 *
 * @throws RefusedError, ConnectionLostError
 */
export function followEverything(
  server: Server,
  handlers: EverythingHandlers,
  options: ConnectionOptions,
): Promise<never> {
  return new Promise((_resolve, reject) => {
    const connection = followConnection(server, EVERYTHING_QUESTION, options, (error) => {
      watch.stop();
      connection.stop();
      reject(error);
    });
    let before: ConnectionKind = 'connecting';
    const watch = watchEverything({
      ...accessTo(server),
      onEvent: handlers.onEvent,
      onState(_everything, shown) {
        const { kind } = shown;
        connection.report(shown);
        if (kind === 'live' && before !== 'live') handlers.onConnected();
        before = kind;
      },
    });
  });
}

/** Refused for the same reasons as a watch of the organization. */
export const organizationQuestion = (organizationId: number): Question => ({
  path: `/cliniko/sync-logs/${organizationId}?limit=1`,
  init: {},
});
/** Refused for the same reasons as a watch of all organizations. */
export const EVERYTHING_QUESTION: Question = { path: '/stream-tokens', init: { method: 'POST', body: '{}' } };

function accessTo({ url, token }: Server) {
  const openSocket: OpenSocket = (address, subprotocol) => new WebSocket(address, subprotocol);
  const getToken = async () => token ?? null;
  return { baseUrl: url, openSocket, ...(token !== undefined && { getToken }) };
}

/**
 * The connection of a watch. `onFailure` is called once: the server refuses, or it has been away for too long.
 *
 * @param question the server's answer to it says whether it refuses the watch
 */
function followConnection(
  server: Server,
  question: Question,
  options: ConnectionOptions,
  onFailure: (error: CommandError) => void,
) {
  let isOver = false;
  const end = (error: CommandError): void => {
    if (isOver) return;
    isOver = true;
    onFailure(error);
  };
  const monitor = createConnectionMonitor(options, end);
  return {
    report(shown: Connection): void {
      if (isConnected(shown)) monitor.answered();
      if (shown.kind !== 'offline') return;
      monitor.lost(shown.since);
      void refusalOf(server, question).then((refusal) => refusal && end(refusal));
    },
    stop(): void {
      isOver = true;
      monitor.stop();
    },
  };
}
