/**
 * One open SSE stream: its events, heartbeat, rotation and `bye`.
 *
 * A class that holds only what an open stream needs: closures, and the parts of the request that they retain, would take
 * several times the memory of an idle stream.
 *
 * Not here: the bytes (sse-socket.ts), when they are written (socket-writer.ts), the start of a stream (open-stream.ts).
 */
import { formatCursor } from '#contract/cursor.ts';
import { type ByeReason, PROTOCOL_VERSION } from '#contract/stream-event.ts';
import type { ResponseOwner } from '../../http/queued-response.ts';
import type { Connection, ConnectionRegistry } from '../connection-registry.ts';
import type { FlushScheduler } from '../flush-scheduler.ts';
import type { Frame } from '../frame.ts';
import type { HeartbeatEntry, HeartbeatTimer } from '../heartbeat-timer.ts';
import type { Hub } from '../hub.ts';
import { type FrameSink, SocketWriter } from '../socket-writer.ts';
import type { StreamAuthorization } from '../stream-authorization.ts';
import type { Subscriber } from '../subscriber.ts';
import type { SseSocket } from './sse-socket.ts';

/** The time limit for a client to receive `bye`. */
const BYE_LIMIT_MS = 1_000;

export interface SseDeps {
  hub: Hub;
  connections: ConnectionRegistry;
  heartbeat: HeartbeatTimer;
  flushScheduler: FlushScheduler;
}

export class SseConnection implements FrameSink, Connection, HeartbeatEntry, ResponseOwner {
  readonly #deps: SseDeps;
  readonly #subscriber: Subscriber;
  readonly #socket: SseSocket;
  readonly #writer: SocketWriter;
  readonly #authorization: StreamAuthorization;
  #isAwaitingDrain = false;

  constructor(deps: SseDeps, subscriber: Subscriber, authorization: StreamAuthorization, socket: SseSocket) {
    this.#deps = deps;
    this.#subscriber = subscriber;
    this.#socket = socket;
    this.#writer = new SocketWriter(this, deps.flushScheduler);
    this.#authorization = authorization;
    authorization.watch(this);
    deps.connections.add(this);
    deps.heartbeat.add(this);
    deps.hub.counters.sseConnections += 1;
  }

  begin(): void {
    this.#writer.add(this.#subscriber);
  }

  write(batches: readonly (readonly Frame[])[]): void {
    this.#socket.frames(batches);
  }

  isFull(): boolean {
    return this.#socket.isFull();
  }

  awaitDrain(): void {
    if (this.#isAwaitingDrain) return;
    this.#isAwaitingDrain = true;
    this.#socket.socket.once('drain', () => {
      this.#isAwaitingDrain = false;
      this.#writer.onDrain();
    });
  }

  abort(why: 'stalled' | 'failed'): void {
    if (why === 'stalled') this.#deps.hub.counters.closedSlow += 1;
    this.#socket.socket.destroy();
  }

  bye(reason: ByeReason, retryMs: number): void {
    this.#socket.end(byeMessage(reason, retryMs), BYE_LIMIT_MS);
  }

  onTick(): void {
    if (!this.isFull()) this.#socket.notice(ping(this.#subscriber));
    this.#deps.connections.rotate(this);
  }

  /** The response closes with its socket. */
  onClose(): void {
    this.#deps.hub.counters.sseConnections -= 1;
    this.#subscriber.end();
    this.#writer.end();
    this.#deps.connections.remove(this);
    this.#deps.heartbeat.remove(this);
    this.#authorization.unwatch();
  }
}

function byeMessage(reason: ByeReason, retryMs: number) {
  return { v: PROTOCOL_VERSION, type: 'bye', reason, retry_ms: retryMs };
}

function ping(subscriber: Subscriber) {
  return {
    v: PROTOCOL_VERSION,
    type: 'ping',
    organization_id: subscriber.organizationId,
    cursor: formatCursor(subscriber.epoch, subscriber.cursor),
  };
}
