/** Clients that reconnect with their cursors without a limit, and record every state that they receive, byte for byte. */
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { parseBlock } from './stream.ts';

/** A state of an organization that a client received: an envelope, or the answer to a poll. */
export interface Shown {
  seq: number;
  kind: 'event' | 'snapshot' | 'poll';
  text: string;
}

export interface ReconnectingClient {
  name: string;
  watches(organizationId: number): boolean;
  /** By organization, in the order of arrival. */
  shown: ReadonlyMap<number, readonly Shown[]>;
  /** What a server reports as lost: empty if all goes well. */
  lost: readonly string[];
  /** Destroys its socket. */
  cut(): void;
  leave(): void;
}

/** One connection. `ended` resolves when it is closed by either side. */
interface Connection {
  ended: Promise<unknown>;
  cut(): void;
}

const BACK_AFTER_MS = 15;

/** The state that a client keeps between connections. */
function createMemory() {
  const shown = new Map<number, Shown[]>();
  const cursors = new Map<number, string>();
  const lost: string[] = [];
  return {
    shown,
    cursors,
    lost,
    show(organizationId: number, one: Shown): void {
      const before = shown.get(organizationId);
      if (before === undefined) shown.set(organizationId, [one]);
      else before.push(one);
    },
  };
}
type Memory = ReturnType<typeof createMemory>;

/** @param connect connects to one server, then the next */
function persist(
  name: string,
  addresses: readonly string[],
  watches: (organizationId: number) => boolean,
  connect: (address: string, memory: Memory) => Connection,
): ReconnectingClient {
  const memory = createMemory();
  let current: Connection | undefined;
  let hasLeft = false;
  const goOn = async (): Promise<void> => {
    for (let n = 0; !hasLeft; n++) {
      current = connect(addresses[n % addresses.length] ?? '', memory);
      await current.ended;
      await delay(BACK_AFTER_MS);
    }
  };
  const leave = (): void => {
    hasLeft = true;
    current?.cut();
  };
  onTestFinished(leave);
  void goOn();
  return { name, watches, shown: memory.shown, lost: memory.lost, cut: () => current?.cut(), leave };
}

const Envelope = z.object({
  type: z.string(),
  organization_id: z.int(),
  seq: z.int(),
  cursor: z.string(),
});
const Answer = z.object({ recovered: z.boolean() });
const Subscribed = z.object({ type: z.literal('subscribed'), streams: z.array(Answer) });

/** Records an envelope or a message about the connection. */
function take(text: string, memory: Memory, id?: string): void {
  const json: unknown = JSON.parse(text);
  const envelope = Envelope.safeParse(json).data;
  if (envelope === undefined) {
    const answers = Subscribed.safeParse(json).data?.streams ?? [Answer.safeParse(json).data];
    if (answers.some((answer) => answer?.recovered === false)) memory.lost.push(text);
    return;
  }
  const { organization_id, seq, cursor, type } = envelope;
  if (id !== undefined && id !== cursor) memory.lost.push(`The id ${id} is not that of ${text}`);
  memory.cursors.set(organization_id, cursor);
  memory.show(organization_id, { seq, kind: type === 'snapshot' ? 'snapshot' : 'event', text });
}

export function watchBySse(
  name: string,
  addresses: readonly string[],
  organizationId: number,
): ReconnectingClient {
  return persist(name, addresses, watchesOne(organizationId), (address, memory) => {
    const cursor = memory.cursors.get(organizationId);
    const request = get(`${address}/api/v1/cliniko/sync-logs/${organizationId}/events`, {
      agent: false,
      headers: cursor === undefined ? {} : { 'last-event-id': cursor },
    });
    request.on('error', () => {});
    request.on('response', (response) => {
      let rest = '';
      response.on('error', () => {});
      response.setEncoding('utf8').on('data', (piece: string) => {
        const blocks = (rest + piece).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = parseBlock(block);
          if (event !== undefined) take(event.data, memory, event.id);
        }
      });
    });
    return { ended: closing(request), cut: () => request.destroy() };
  });
}

/** @param organizations by name, or all of them, event by event */
export function watchBySocket(
  name: string,
  addresses: readonly string[],
  organizations: '*' | readonly number[],
): ReconnectingClient {
  const watches = (id: number) => organizations === '*' || organizations.includes(id);
  return persist(name, addresses, watches, (address, memory) => {
    const socket = new WebSocket(`${address.replace('http', 'ws')}/api/v1/cliniko/ws`);
    const since = Object.fromEntries(memory.cursors);
    const subscribe = { type: 'subscribe', id: 'all', organizations, since, conflate_ms: 0 };
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
export function watchByPoll(name: string, address: string, organizationId: number): ReconnectingClient {
  return persist(name, [address], watchesOne(organizationId), (_, memory) => {
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
  });
}

const watchesOne = (organizationId: number) => (id: number) => id === organizationId;

function closing(emitter: { once(event: 'close', hear: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => {
    emitter.once('close', resolve);
  });
}
