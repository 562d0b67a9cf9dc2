/** The ways to stream one organization, the best first: what each needs before it can be opened, and from where it goes on. */
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
  /** How long a stream may take to say `hello`. */
  helloTimeoutMs: number;
}

/** Server-Sent Events first: plain HTTP, which every proxy lets through, if not always at once. */
export function transportsOf(options: TransportOptions, current: () => OrganizationState): Transport[] {
  const rungs: Transport[] = [eventStreamTransport(options, current)];
  if (options.openSocket !== undefined) rungs.push(socketTransport(options, options.openSocket, current));
  return rungs;
}

export function logsUrl({ baseUrl }: TransportOptions, { organizationId }: OrganizationState): string {
  return `${baseUrl}/api/v1/cliniko/sync-logs/${organizationId}`;
}

interface OpenSlot {
  giveBack(): void;
  address: string;
}

function eventStreamTransport(options: TransportOptions, current: () => OrganizationState): Transport {
  const { openEventSource, helloTimeoutMs } = options;
  return {
    kind: 'sse',
    open: (handlers, why) =>
      openAfter(
        () => takeSlot(options, current(), why),
        ({ giveBack, address }) => {
          // Where we stand now, not where we stood before we waited for a token.
          const since = current().cursor;
          const close = openEventStream(
            { url: withQuery(address, 'since', since), since, openEventSource, helloTimeoutMs },
            {
              ...handlers,
              onEnd(end) {
                giveBack();
                handlers.onEnd(end);
              },
            },
          );
          return () => {
            giveBack();
            close();
          };
        },
        () => handlers.onEnd({ reason: 'refused' }),
      ),
  };
}

/** @throws when there is no seat, or no token */
async function takeSlot(
  options: TransportOptions,
  state: OrganizationState,
  why: OpenReason,
): Promise<OpenSlot> {
  const giveBack = await options.takeSlot();
  // Without a seat the next rung is better; where there is none, a sixth connection has to do.
  if (giveBack === undefined && options.openSocket !== undefined) throw new Error('No seat is free.');
  try {
    const access = options.sendsHeaders ? {} : options.access;
    const address = await withStreamToken(`${logsUrl(options, state)}/events`, access, why);
    return { address, giveBack: giveBack ?? (() => {}) };
  } catch (error) {
    giveBack?.();
    throw error;
  }
}

function socketTransport(
  { baseUrl, access, helloTimeoutMs }: TransportOptions,
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
            { url, organizationId, cursor, openSocket, helloTimeoutMs },
            handlers,
          );
        },
        () => handlers.onEnd({ reason: 'refused' }),
      ),
  };
}
