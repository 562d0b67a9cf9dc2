/**
 * One WebSocket of an ops console: subscriptions to organizations, with events in the envelope of the SSE stream.
 *
 * An invalid frame gets an `error` frame, and the connection stays open. A subscription to `*` also includes organizations
 * that appear later (subscription.ts). socket-writer.ts handles slow clients, as for SSE.
 *
 * Not here: parsing the frames of the client (parse-frame.ts), detecting dead peers (kept-alive-socket.ts), the pauses of a
 * client over its rate limit (read-pause.ts).
 */
import type { Socket } from 'node:net';
import type { ClientFrame } from '#contract/client-frame.ts';
import { formatCursor } from '#contract/cursor.ts';
import type { ServerFrame, SocketErrorCode } from '#contract/socket-frame.ts';
import { type ByeReason, HEARTBEAT_MS, PROTOCOL_VERSION } from '#contract/stream-event.ts';
import { ProblemError } from '../../http/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import { safeError } from '../../logging/safe-error.ts';
import type { ChangeFeed } from '../change-feed.ts';
import type { Connection, ConnectionRegistry } from '../connection-registry.ts';
import type { FlushScheduler } from '../flush-scheduler.ts';
import { type Frame, joinSocket } from '../frame.ts';
import type { HeartbeatEntry, HeartbeatTimer } from '../heartbeat-timer.ts';
import type { Hub } from '../hub.ts';
import { type FrameSink, SocketWriter } from '../socket-writer.ts';
import type { StreamAuthorization } from '../stream-authorization.ts';
import { openChangeSubscription } from './change-subscription.ts';
import { closeSoon } from './close-soon.ts';
import type { KeptAliveSocket, SocketOwner } from './kept-alive-socket.ts';
import { idOf, parseFrame, parseOrganizations } from './parse-frame.ts';
import { ReadPause } from './read-pause.ts';
import { openSubscription, type SubscribedClient, type Subscription } from './subscription.ts';

const v = PROTOCOL_VERSION;

type SubscribeFrame = ClientFrame & { type: 'subscribe' | 'subscribe_changes' };

/** Maximum bytes buffered in a socket before writing pauses. */
const FULL_BYTES = 256 * 1024;
const MAX_SUBSCRIPTIONS = 32;
/** A frame stays below 30 KB. */
const HEADS_PER_PING = 1_000;
/** Maximum client frames that wait for earlier ones. */
const MAX_QUEUED_FRAMES = 64;
const TOO_SLOW = 4002;
const OVERLOAD = 1013;
const RESTART = 1012;
const NOT_AUTHENTICATED = 4401;

export interface WebSocketDeps {
  hub: Hub;
  changeFeed: ChangeFeed;
  connections: ConnectionRegistry;
  heartbeat: HeartbeatTimer;
  /** Sends protocol pings, which detect dead peers. */
  keepAlive: HeartbeatTimer;
  flushScheduler: FlushScheduler;
  logger: Logger;
}

/** A class: closures for each connection would be most of the memory of an idle one. */
export class WebSocketConnection implements FrameSink, Connection, HeartbeatEntry, SocketOwner {
  readonly #socket: KeptAliveSocket;
  readonly #wire: Socket;
  readonly #authorization: StreamAuthorization;
  readonly #deps: WebSocketDeps;
  readonly #writer: SocketWriter;
  /** At most 32: an array takes less memory than a map, and is searched as quickly. */
  #subscriptions: Subscription[] = [];
  /** Handles frames in order, so that an unsubscribe never overtakes its subscribe. */
  #queue: Promise<void> | undefined;
  #waiting = 0;
  #pause: ReadPause | undefined;
  #isAwaitingDrain = false;

  /** @param wire the TCP connection of `socket`: events are framed once for all clients, and written to it directly */
  constructor(
    socket: KeptAliveSocket,
    wire: Socket,
    authorization: StreamAuthorization,
    deps: WebSocketDeps,
  ) {
    this.#socket = socket;
    this.#wire = wire;
    this.#authorization = authorization;
    this.#deps = deps;
    this.#writer = new SocketWriter(this, deps.flushScheduler);
    authorization.watch(this);
    socket.serve(this);
    deps.heartbeat.add(this);
    deps.keepAlive.add(socket);
    deps.connections.add(this);
    deps.hub.counters.socketConnections += 1;
  }

  /** @param organizations the query parameter, unparsed: `*`, or ids with commas */
  begin(organizations: string | undefined): void {
    const { mode } = this.#deps.hub;
    this.#send({ v, type: 'hello', heartbeat_ms: HEARTBEAT_MS, ...(mode === 'poll' && { live: 'poll' }) });
    if (organizations === undefined) return;
    const asked = parseFrame(
      JSON.stringify({ type: 'subscribe', id: 'address', organizations: parseOrganizations(organizations) }),
    );
    const what = '"organizations" must be * or ids with commas, such as 123,124.';
    if ('value' in asked) this.#handleInOrder(asked.value);
    else this.#sendError(null, 'NOT_UNDERSTOOD', what);
  }

  write(batches: readonly (readonly Frame[])[]): void {
    // No frame may follow the close frame.
    if (!this.#isOpen()) return;
    const [only] = batches;
    if (batches.length === 1 && only !== undefined) this.#wire.write(joinSocket(only));
    else this.#wire.write(Buffer.concat(batches.map(joinSocket)));
  }

  isFull(): boolean {
    return this.#wire.writableLength > FULL_BYTES;
  }

  awaitDrain(): void {
    if (this.#isAwaitingDrain) return;
    this.#isAwaitingDrain = true;
    this.#wire.once('drain', () => {
      this.#isAwaitingDrain = false;
      this.#writer.onDrain();
      this.#applyBackpressure();
    });
  }

  abort(why: 'stalled' | 'failed'): void {
    if (why === 'stalled') this.#deps.hub.counters.closedSlow += 1;
    closeSoon(this.#socket, why === 'stalled' ? TOO_SLOW : OVERLOAD);
  }

  bye(reason: ByeReason, retryMs: number): void {
    this.#send({ v, type: 'bye', reason, retry_ms: retryMs });
    closeSoon(this.#socket, reason === 'reauth' ? NOT_AUTHENTICATED : RESTART);
  }

  onTick(): void {
    if (!this.isFull())
      for (const heads of pingsOf(this.#subscriptions)) this.#send({ v, type: 'ping', ...heads });
    this.#deps.connections.rotate(this);
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #send(frame: ServerFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  #sendError(id: string | null, code: SocketErrorCode, message: string): void {
    this.#send({ v, type: 'error', id, code, message });
  }

  onMessage(text: string, isBinary: boolean): void {
    if (!this.#isWithinRateLimit(text)) return;
    const parsed = parseFrame(isBinary ? '' : text);
    if ('value' in parsed) this.#handleInOrder(parsed.value);
    else this.#sendError(idOf(text), 'NOT_UNDERSTOOD', parsed.invalid.detail);
    this.#applyBackpressure();
  }

  /** Frames have a rate limit, as requests do. A client that keeps exceeding it is not read for a while. */
  #isWithinRateLimit(text: string): boolean {
    try {
      this.#authorization.frames?.take();
      this.#pause?.accepted();
      return true;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.#authorization.frames?.refused('TOO_MANY_REQUESTS');
      this.#sendError(idOf(text), 'TOO_MANY_REQUESTS', error.message);
      this.#pause ??= new ReadPause(() => this.#applyBackpressure());
      this.#pause.refused();
      return false;
    }
  }

  /** Pauses reading while the client does not read its responses, or sends frames faster than they are handled. */
  #applyBackpressure(): void {
    if (this.isFull()) this.awaitDrain();
    const isTooFast = this.#pause?.isPaused === true || this.#waiting > MAX_QUEUED_FRAMES;
    if (isTooFast || this.isFull()) this.#socket.pause();
    else this.#socket.resume();
  }

  #handleInOrder(frame: ClientFrame): void {
    this.#waiting += 1;
    this.#queue = (this.#queue ?? Promise.resolve())
      .then(() => this.#handle(frame))
      .catch((error: unknown) => {
        this.#deps.logger.warn(
          safeError(error),
          'A subscription failed; the client gets an error frame and can subscribe again',
        );
        const id = frame.type === 'ping' ? null : frame.id;
        const what = 'The database did not answer; subscribe again in a moment.';
        this.#sendError(id, 'DATABASE_UNAVAILABLE', what);
      })
      .finally(() => {
        this.#waiting -= 1;
        if (this.#waiting === 0) this.#queue = undefined;
        this.#applyBackpressure();
      });
  }

  async #handle(frame: ClientFrame): Promise<void> {
    switch (frame.type) {
      case 'subscribe':
      case 'subscribe_changes':
        return this.#subscribe(frame);
      case 'unsubscribe':
        return this.#unsubscribe(frame.id);
      case 'ping':
        return this.#send({ v, type: 'pong' });
      default:
        return frame satisfies never;
    }
  }

  async #subscribe(frame: SubscribeFrame): Promise<void> {
    // The timer that says bye comes each second only. A refusal would blame the ids for what the token lacks.
    if (this.#authorization.hasEnded) return this.bye('reauth', 0);
    const { id, organizations } = frame;
    if (this.#subscriptions.some((known) => known.id === id))
      return this.#sendError(
        id,
        'DUPLICATE_SUBSCRIPTION',
        `Unsubscribe "${id}" first, or choose another id.`,
      );
    if (this.#subscriptions.length >= MAX_SUBSCRIPTIONS) {
      const what = `A socket can have ${MAX_SUBSCRIPTIONS} subscriptions. Name several organizations in one subscription.`;
      return this.#sendError(id, 'TOO_MANY_SUBSCRIPTIONS', what);
    }
    if (organizations !== '*' && !organizations.every((named) => this.#authorization.canRead(named))) {
      this.#authorization.frames?.refused('FORBIDDEN');
      const what = 'The token has no access to some of these organizations. Name only its own, or use "*".';
      return this.#sendError(id, 'FORBIDDEN', what);
    }
    const { hub, changeFeed } = this.#deps;
    const client: SubscribedClient = {
      authorization: this.#authorization,
      writer: this.#writer,
      send: (answer) => this.#send(answer),
    };
    const subscription =
      frame.type === 'subscribe'
        ? await openSubscription(frame, hub, client)
        : await openChangeSubscription(frame, changeFeed, client);
    if (this.#isOpen()) this.#subscriptions = this.#subscriptions.concat(subscription);
    else subscription.end();
  }

  #unsubscribe(id: string): void {
    const subscription = this.#subscriptions.find((known) => known.id === id);
    if (subscription === undefined) {
      this.#sendError(id, 'UNKNOWN_SUBSCRIPTION', `There is no subscription "${id}".`);
      return;
    }
    subscription.end();
    this.#subscriptions = this.#subscriptions.filter((known) => known !== subscription);
    this.#send({ v, type: 'unsubscribed', id });
  }

  onClose(): void {
    this.#deps.hub.counters.socketConnections -= 1;
    this.#deps.heartbeat.remove(this);
    this.#deps.keepAlive.remove(this.#socket);
    this.#deps.connections.remove(this);
    this.#authorization.unwatch();
    this.#writer.end();
    for (const subscription of this.#subscriptions) subscription.end();
    this.#subscriptions = [];
  }
}

/** At least one part, so that every tick sends a ping. */
function pingsOf(subscriptions: readonly Subscription[]) {
  const heads = subscriptions.filter(({ kind }) => kind === 'runs').flatMap(cursorsOf);
  const changes = subscriptions.filter(({ kind }) => kind === 'changes').flatMap(cursorsOf);
  const parts: { heads: Record<string, string>; changes?: Record<string, string> }[] = [];
  for (let from = 0; from === 0 || from < heads.length; from += HEADS_PER_PING)
    parts.push({ heads: Object.fromEntries(heads.slice(from, from + HEADS_PER_PING)) });
  for (let from = 0; from < changes.length; from += HEADS_PER_PING)
    parts.push({ heads: {}, changes: Object.fromEntries(changes.slice(from, from + HEADS_PER_PING)) });
  return parts;
}

const cursorsOf = ({ subscribers }: Subscription): [string, string][] =>
  subscribers.map(({ organizationId, epoch, cursor }) => [
    String(organizationId),
    formatCursor(epoch, cursor),
  ]);
