/**
 * The authorization of an open stream: the port. The subscriber checks it for every batch, live or replayed: a right can end while the
 * stream is open, and no frame may leave after that.
 *
 * Not here: the end of a stream whose token is revoked or expires (access/stream-sessions.ts), the check (subscriber.ts).
 */
import type { Context } from 'hono';
import type { Connection } from './connection-registry.ts';

/** Limits the frames that one socket may send, and records refusals. */
export interface FrameGuard {
  /** Call it for each frame. @throws ProblemError TOO_MANY_REQUESTS */
  take(): void;
  refused(code: 'FORBIDDEN' | 'TOO_MANY_REQUESTS'): void;
}

export interface StreamAuthorization {
  /** Undefined for a stream on which the client sends no frames (SSE). */
  readonly frames: FrameGuard | undefined;
  canRead(organizationId: number): boolean;
  /** Its time is over, or it was revoked: nothing can be read any more. */
  readonly hasEnded: boolean;
  /** From now on `bye('reauth')` of the connection is called once, when the right ends. */
  watch(connection: Connection): void;
  /** The connection has closed. */
  unwatch(): void;
}

declare module 'hono' {
  interface ContextVariableMap {
    authorization: StreamAuthorization;
    /** Close code of a WebSocket that is accepted only to report a refusal: a browser hides the status of a handshake. */
    socketRefusal: number;
  }
}

export function streamAuthorizationOf(c: Context): StreamAuthorization {
  const authorization = c.get('authorization');
  if (authorization === undefined)
    throw new Error('A stream was requested before the request was authorized.');
  return authorization;
}
