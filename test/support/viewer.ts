/**
 * Viewers that reconnect with their cursors without a limit, and pass on every state that they receive, byte for byte.
 *
 * Free of vitest: the soak uses them too. Tests use reconnecting-client.ts, which records the states.
 */
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { parseBlock, type SentEvent } from './sent-event.ts';

/** A state of an organization that a client received: an envelope, or the answer to a poll. */
export interface Shown {
  seq: number;
  kind: 'event' | 'snapshot' | 'poll';
  text: string;
}

/** What a viewer keeps between connections. */
export interface ViewerMemory {
  /** By organization; written by the viewer. */
  readonly cursors: Map<number, string>;
  show(organizationId: number, shown: Shown): void;
  /** A server reports that the stream does not continue at the cursor, or an id differs from its cursor. */
  lose(text: string): void;
}

export interface Viewer {
  /** Destroys its socket. */
  cut(): void;
  leave(): void;
}

/** One connection. `ended` resolves when it is closed by either side. */
export interface Connection {
  ended: Promise<unknown>;
  cut(): void;
}

const BACK_AFTER_MS = 15;

/** @param connect connects to one server, then the next */
export function reconnect(
  addresses: readonly string[],
  connect: (address: string) => Connection,
  pauseMs = BACK_AFTER_MS,
): Viewer {
  let current: Connection | undefined;
  let hasLeft = false;
  const goOn = async (): Promise<void> => {
    for (let n = 0; !hasLeft; n++) {
      current = connect(addresses[n % addresses.length] ?? '');
      await current.ended;
      await delay(pauseMs);
    }
  };
  void goOn();
  return {
    cut: () => current?.cut(),
    leave() {
      hasLeft = true;
      current?.cut();
    },
  };
}

const Envelope = z.object({
  type: z.string(),
  organization_id: z.int(),
  seq: z.int(),
  cursor: z.string(),
});
const Answer = z.object({ recovered: z.boolean() });
const Subscribed = z.object({ type: z.literal('subscribed'), streams: z.array(Answer) });

/** Takes an envelope or a message about the connection. */
function take(text: string, memory: ViewerMemory, id?: string): void {
  const json: unknown = JSON.parse(text);
  const envelope = Envelope.safeParse(json).data;
  if (envelope === undefined) {
    const answers = Subscribed.safeParse(json).data?.streams ?? [Answer.safeParse(json).data];
    if (answers.some((answer) => answer?.recovered === false)) memory.lose(text);
    return;
  }
  const { organization_id, seq, cursor, type } = envelope;
  if (id !== undefined && id !== cursor) memory.lose(`The id ${id} is not that of ${text}`);
  memory.cursors.set(organization_id, cursor);
  memory.show(organization_id, { seq, kind: type === 'snapshot' ? 'snapshot' : 'event', text });
}

export function viewBySse(
  addresses: readonly string[],
  organizationId: number,
  memory: ViewerMemory,
): Viewer {
  return reconnect(addresses, (address) =>
    openSse(
      `${address}/api/v1/cliniko/sync-logs/${organizationId}/events`,
      memory.cursors.get(organizationId),
      ({ data, id }) => take(data, memory, id),
    ),
  );
}

/** @param last the id of the last event, where the stream continues */
export function openSse(
  url: string,
  last: string | undefined,
  onEvent: (event: SentEvent) => void,
): Connection {
  const headers = last === undefined ? {} : { 'last-event-id': last };
  const request = get(url, { agent: false, headers });
  request.on('error', () => {});
  request.on('response', (response) => {
    let rest = '';
    response.on('error', () => {});
    response.setEncoding('utf8').on('data', (piece: string) => {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parseBlock(block);
        if (event !== undefined) onEvent(event);
      }
    });
  });
  return { ended: closing(request), cut: () => request.destroy() };
}

/**
 * @param organizations by name, or all of them
 * @param conflateMs 0: event by event
 */
export function viewBySocket(
  addresses: readonly string[],
  organizations: '*' | readonly number[],
  memory: ViewerMemory,
  conflateMs = 0,
): Viewer {
  return reconnect(addresses, (address) => {
    const socket = new WebSocket(`${address.replace('http', 'ws')}/api/v1/cliniko/ws`);
    const since = Object.fromEntries(memory.cursors);
    const subscribe = { type: 'subscribe', id: 'all', organizations, since, conflate_ms: conflateMs };
    socket.on('error', () => {});
    socket.on('open', () => socket.send(JSON.stringify(subscribe)));
    socket.on('message', (data) => {
      // The database did not answer. Reconnects, because a second subscribe on the same socket would do the same.
      if (String(data).includes('"type":"error"')) socket.terminate();
      else take(String(data), memory);
    });
    return { ended: closing(socket), cut: () => socket.terminate() };
  });
}

/** Polls one server repeatedly. */
export function viewByPoll(
  address: string,
  organizationId: number,
  memory: ViewerMemory,
  pauseMs?: number,
): Viewer {
  const poll = (): Connection => {
    const stop = new AbortController();
    const ask = async (): Promise<void> => {
      const url = `${address}/api/v1/cliniko/sync-logs/${organizationId}?limit=1`;
      const response = await fetch(url, { signal: stop.signal });
      const text = await response.text();
      const seq = /^"[a-z0-9]+\.(\d+)"$/.exec(response.headers.get('etag') ?? '')?.[1];
      // A server that has just lost its database reports it.
      if (!response.ok || seq === undefined) return;
      memory.show(organizationId, { seq: Number(seq), kind: 'poll', text });
    };
    return { ended: ask().catch(() => {}), cut: () => stop.abort() };
  };
  return reconnect([address], poll, pauseMs);
}

function closing(emitter: { once(event: 'close', hear: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => {
    emitter.once('close', resolve);
  });
}
