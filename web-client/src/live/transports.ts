/**
 * The transports for the stream of one organization, best first: what each needs before it opens, and which cursor it
 * resumes from.
 */
import { type Access, type OpenReason, withQuery, withStreamToken } from './access.ts';
import type { TakeSlot } from './connection-slots.ts';
import { type OpenEventSource, openEventStream } from './event-stream.ts';
import { openOrganizationSocket } from './organization-socket.ts';
import type { OrganizationState } from './organization-state.ts';
import { type OpenSocket, socketAddress } from './socket.ts';
import { openAfter, type Transport } from './stream.ts';

export interface TransportOptions {
  baseUrl: string;
  access: Access;
  openEventSource: OpenEventSource;
  /** Whether `openEventSource` sends a header, and needs no token in the address. */
  sendsHeaders: boolean;
  openSocket: OpenSocket | undefined;
  takeSlot: TakeSlot;
}

/** How long a stream may take to send `hello`. */
const HELLO_TIMEOUT_MS = 4_000;

/** Server-Sent Events come first: plain HTTP, which every proxy passes, though some with delay. */
export function transportsOf(options: TransportOptions, current: () => OrganizationState): Transport[] {
  const transports: Transport[] = [eventStreamTransport(options, current)];
  if (options.openSocket !== undefined)
    transports.push(socketTransport(options, options.openSocket, current));
  return transports;
}

export function logsUrl({ baseUrl }: TransportOptions, { organizationId }: OrganizationState): string {
  return `${baseUrl}/api/v1/cliniko/sync-logs/${organizationId}`;
}

interface OpenSlot {
  release(): void;
  address: string;
}

function eventStreamTransport(options: TransportOptions, current: () => OrganizationState): Transport {
  const { openEventSource } = options;
  return {
    kind: 'sse',
    open: (handlers, why) =>
      openAfter(
        () => takeSlot(options, current(), why),
        ({ release, address }) => {
          // The cursor now, not the one from before the wait for a token.
          const since = current().cursor;
          const close = openEventStream(
            {
              url: withQuery(address, 'since', since),
              since,
              openEventSource,
              helloTimeoutMs: HELLO_TIMEOUT_MS,
            },
            {
              ...handlers,
              onEnd(end) {
                release();
                handlers.onEnd(end);
              },
            },
          );
          return () => {
            release();
            close();
          };
        },
        () => handlers.onEnd({ reason: 'refused' }),
      ),
  };
}

/** @throws when there is no slot, or no token */
async function takeSlot(
  options: TransportOptions,
  state: OrganizationState,
  why: OpenReason,
): Promise<OpenSlot> {
  const release = await options.takeSlot();
  // Without a slot the next transport is better. Where there is none, the stream uses one more connection.
  if (release === undefined && options.openSocket !== undefined)
    throw new Error('No connection slot is free.');
  try {
    const access = options.sendsHeaders ? {} : options.access;
    const address = await withStreamToken(`${logsUrl(options, state)}/events`, access, why);
    return { address, release: release ?? (() => {}) };
  } catch (error) {
    release?.();
    throw error;
  }
}

function socketTransport(
  { baseUrl, access }: TransportOptions,
  openSocket: OpenSocket,
  current: () => OrganizationState,
): Transport {
  return {
    kind: 'websocket',
    open: (handlers, why) =>
      openAfter(
        () => withStreamToken(socketAddress(baseUrl), access, why),
        (url) => {
          const { organizationId } = current();
          const cursor = (): string | null => current().cursor;
          return openOrganizationSocket(
            { url, organizationId, cursor, openSocket, helloTimeoutMs: HELLO_TIMEOUT_MS },
            handlers,
          );
        },
        () => handlers.onEnd({ reason: 'refused' }),
      ),
  };
}
