/**
 * One open stream: what is due goes out, and the heartbeat, the rotation and the goodbye.
 *
 * A class, which holds only what it needs to go on: functions made for each connection, and what they would keep of its
 * request, are several times the memory of an idle one.
 *
 * Not here: the bytes (sse-response.ts), when they leave (delivery.ts), how a stream begins (sse-route.ts).
 */
import { formatCursor } from '../contract/cursor.ts';
import { type ByeReason, PROTOCOL_VERSION } from '../contract/stream-event.ts';
import type { Connection, Connections } from './connections.ts';
import { createDelivery, type Delivery, type Outlet } from './delivery.ts';
import type { Feed } from './feed.ts';
import type { Frame } from './frame.ts';
import type { SseOutput } from './sse-response.ts';
import type { Turn } from './turn.ts';
import type { Viewer } from './viewer.ts';
import type { Watch } from './watch.ts';
import type { Spoke, Wheel } from './wheel.ts';

/** A client that does not take its goodbye is not waited for. */
const BYE_LIMIT_MS = 1_000;

export interface StreamTools {
  feed: Feed;
  connections: Connections;
  heartbeat: Wheel;
  turn: Turn;
}

export class SseStream implements Outlet, Connection, Spoke {
  readonly #tools: StreamTools;
  readonly #watch: Watch;
  readonly #output: SseOutput;
  readonly #delivery: Delivery;
  readonly #leaveViewer: () => void;

  constructor(tools: StreamTools, watch: Watch, viewer: Viewer, output: SseOutput) {
    this.#tools = tools;
    this.#watch = watch;
    this.#output = output;
    this.#delivery = createDelivery(this, tools.turn);
    this.#leaveViewer = viewer.onEnd(this);
    output.socket.on('drain', () => this.#delivery.onRoom());
    output.socket.on('close', () => this.#end());
    tools.connections.add(this);
    tools.heartbeat.add(this);
    tools.feed.counters.sseConnections += 1;
  }

  news(): void {
    this.#delivery.news(this.#watch);
  }

  write(portions: readonly (readonly Frame[])[]): void {
    this.#output.frames(portions);
  }

  isFull(): boolean {
    return this.#output.isFull();
  }

  giveUp(why: 'stalled' | 'failed'): void {
    if (why === 'stalled') this.#tools.feed.counters.closedSlow += 1;
    this.#output.socket.destroy();
  }

  bye(reason: ByeReason, retryMs: number): void {
    this.#output.end(farewell(reason, retryMs), BYE_LIMIT_MS);
  }

  beat(): void {
    if (!this.isFull()) this.#output.notice(ping(this.#watch));
    this.#tools.connections.rotate(this);
  }

  #end(): void {
    this.#tools.feed.counters.sseConnections -= 1;
    this.#watch.end();
    this.#delivery.end();
    this.#tools.connections.remove(this);
    this.#tools.heartbeat.remove(this);
    this.#leaveViewer();
  }
}

function farewell(reason: ByeReason, retryMs: number) {
  return { v: PROTOCOL_VERSION, type: 'bye', reason, retry_ms: retryMs };
}

function ping(watch: Watch) {
  return {
    v: PROTOCOL_VERSION,
    type: 'ping',
    organization_id: watch.organizationId,
    cursor: formatCursor(watch.epoch, watch.cursor),
  };
}
