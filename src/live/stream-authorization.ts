/**
 * Who watches a stream. What he may see is asked again for every frame, live or replayed: a right can end while the
 * stream is open, and nothing may leave after that.
 *
 * Not here: who decides (access/stream-sessions.ts).
 */
import type { Context } from 'hono';
import type { Connection } from './connection-registry.ts';
import type { Subscriber } from './subscriber.ts';

/** Bounds what one socket may ask, and is told what was refused to it. */
export interface FrameGuard {
  /** For each frame. @throws ProblemError TOO_MANY_REQUESTS */
  take(): void;
  refused(code: 'FORBIDDEN' | 'TOO_MANY_REQUESTS'): void;
}

export interface StreamAuthorization {
  /** Undefined for a stream that cannot ask for anything once it is open. */
  readonly frames: FrameGuard | undefined;
  canRead(organizationId: number): boolean;
  /** His connection is told goodbye once, when his right ends, with `reauth`. @returns he has left */
  onEnd(connection: Connection): () => void;
}

declare module 'hono' {
  interface ContextVariableMap {
    authorization: StreamAuthorization;
    /** Close code of a WebSocket that is opened only to be told why not: a browser hides the status of a handshake. */
    socketRefusal: number;
  }
}

export function streamAuthorizationOf(c: Context): StreamAuthorization {
  const authorization = c.get('authorization');
  if (authorization === undefined) throw new Error('A stream was asked for before the gate let anybody in.');
  return authorization;
}

/** The same watch, which gives its viewer nothing any more once he may not see it. */
export function guardSubscriber(subscriber: Subscriber, authorization: StreamAuthorization): Subscriber {
  return new GuardedSubscriber(subscriber, authorization);
}

/** A class for the same reason as the watch it stands before: there is one for each stream. */
class GuardedSubscriber implements Subscriber {
  isDirty = false;
  readonly #subscriber: Subscriber;
  readonly #authorization: StreamAuthorization;

  constructor(subscriber: Subscriber, authorization: StreamAuthorization) {
    this.#subscriber = subscriber;
    this.#authorization = authorization;
  }

  get organizationId() {
    return this.#subscriber.organizationId;
  }

  get epoch() {
    return this.#subscriber.epoch;
  }

  get head() {
    return this.#subscriber.head;
  }

  get recovered() {
    return this.#subscriber.recovered;
  }

  get reason() {
    return this.#subscriber.reason;
  }

  get cursor() {
    return this.#subscriber.cursor;
  }

  get isCurrent() {
    return this.#subscriber.isCurrent;
  }

  take() {
    return this.#authorization.canRead(this.organizationId) ? this.#subscriber.take() : [];
  }

  async catchUp(isSlow: boolean) {
    const frames = await this.#subscriber.catchUp(isSlow);
    return this.#authorization.canRead(this.organizationId) ? frames : [];
  }

  end(): void {
    this.#subscriber.end();
  }
}
