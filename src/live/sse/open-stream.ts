/** Opens a stream on the socket of a request, as soon as the request has one. */
import { HEARTBEAT_MS, PROTOCOL_VERSION } from '#contract/stream-event.ts';
import type { QueuedResponse } from '../../http/queued-response.ts';
import { encodeNotice } from '../frame.ts';
import type { Hub } from '../hub.ts';
import type { StreamAuthorization } from '../stream-authorization.ts';
import { describeStream, type Subscriber } from '../subscriber.ts';
import { SseConnection, type SseDeps } from './sse-connection.ts';
import { SseSocket } from './sse-socket.ts';

/** The parts of the request that the stream needs; the request itself is not kept. */
interface StreamRequest {
  authorization: StreamAuthorization;
  /** The response headers from middleware. */
  headers: Record<string, string>;
}

/** @param subscribe undefined: there is nothing to follow */
export async function openStream(
  deps: SseDeps,
  { authorization, headers }: StreamRequest,
  response: QueuedResponse,
  subscribe: () => Promise<Subscriber | undefined>,
): Promise<void> {
  await waitForSocket(response);
  const subscriber = await subscribe();
  const { socket } = response;
  // No socket: the request is pipelined behind another one. A stream needs its own connection.
  if (subscriber === undefined || socket === null || response.destroyed) {
    response.destroy();
    // Node emits no `close` for a response that never had a socket.
    response.emit('close');
    return subscriber?.end();
  }
  const first = `retry: 2000\n\n${encodeNotice(hello(subscriber, deps.hub.mode))}`;
  const stream = new SseSocket(response, socket, { headers, first });
  const connection = new SseConnection(deps, subscriber, authorization, stream);
  response.stream = connection;
  connection.begin();
}

/** How long a response waits for the previous one on the same connection. */
const WAIT_FOR_SOCKET_MS = 1_000;

/** A browser may reuse a connection just before the previous response ends here: the socket comes soon, or never. */
async function waitForSocket(response: QueuedResponse): Promise<void> {
  if (response.socket !== null) return;
  await new Promise<void>((resolve) => {
    const limit = setTimeout(resolve, WAIT_FOR_SOCKET_MS);
    response.once('socket', () => {
      clearTimeout(limit);
      resolve();
    });
  });
}

/** In the documented form while nudges arrive; with `live: 'poll'` while events come from polling. */
function hello(subscriber: Subscriber, mode: Hub['mode']) {
  return {
    v: PROTOCOL_VERSION,
    type: 'hello',
    ...describeStream(subscriber),
    heartbeat_ms: HEARTBEAT_MS,
    ...(mode === 'poll' && { live: mode }),
  };
}
