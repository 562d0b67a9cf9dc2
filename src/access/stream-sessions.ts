/**
 * Sessions of open streams: each ends when its token expires or is revoked, or the person behind it signs out, on whichever
 * server.
 *
 * One timer serves all: every second it finds sessions about to expire, and every other second it checks in two statements
 * which tokens and browser sessions are still valid. So a revocation reaches every server within 5 s without a message. A
 * sign-out ends the streams of its own server at once.
 */
import type { Database } from '../database/open.ts';
import { canAccess, type Principal } from '../http/principal.ts';
import type { Connection } from '../live/connection-registry.ts';
import type { FrameGuard, StreamAuthorization } from '../live/stream-authorization.ts';
import { createFailureLog } from '../logging/failure-log.ts';
import type { Logger } from '../logging/logger.ts';
import { findValid } from './api-tokens.ts';
import { findOpenSessions } from './browser-sessions.ts';
import type { StreamSlot } from './rate-limits.ts';

const TICK_MS = 1_000;
const RECHECK_TICKS = 2;
/** Time for a client to reconnect with a new token before the old one is refused. */
const BYE_AHEAD_MS = 5_000;

/** What a stream keeps of its request. */
interface AuthorizedStream {
  principal: Principal;
  /** The session releases it. */
  slot: StreamSlot;
  /** Undefined for a stream on which the client sends no frames (SSE). */
  frames: FrameGuard | undefined;
}

export interface StreamSessions {
  authorizationFor(stream: AuthorizedStream): StreamAuthorization & {
    /** Releases the slot if the route has opened no stream. Call it when the route has answered. */
    endUnlessWatched(): void;
  };
  /** Ends the streams of these browser sessions on this server. */
  endOf(browserSessions: readonly number[]): void;
  stop(): void;
}

/** @param bootstrapHash hash of this server's `BOOTSTRAP_ADMIN_TOKEN` */
export function createStreamSessions(
  database: Database,
  logger: Logger,
  bootstrapHash: string | undefined,
): StreamSessions {
  const open = new Set<StreamSession>();
  const onFailed = createFailureLog(
    logger,
    'The tokens of open streams could not be checked; the next check follows in a few seconds',
  );
  let ticks = 0;
  let checking = false;

  const endExpired = (): void => {
    const [now, uptime] = [Date.now(), performance.now()];
    for (const session of open) if (isDue(session, now, uptime)) session.end();
  };
  const endRevoked = async (): Promise<void> => {
    const isRevoked = await findEnded(open, 'tokenId', (ids) => findValid(database, ids, bootstrapHash));
    const isSignedOut = await findEnded(open, 'browserSessionId', (ids) => findOpenSessions(database, ids));
    for (const session of open) if (isRevoked(session) || isSignedOut(session)) session.end();
  };
  const tick = async (): Promise<void> => {
    endExpired();
    ticks += 1;
    if (checking || ticks % RECHECK_TICKS !== 0) return;
    checking = true;
    await endRevoked().catch(onFailed);
    checking = false;
  };
  const timer = setInterval(tick, TICK_MS);
  timer.unref();
  return {
    authorizationFor: (stream) => new StreamSession(stream, open),
    endOf(browserSessions) {
      const gone = new Set<number | undefined>(browserSessions);
      for (const session of open) if (gone.has(session.browserSessionId)) session.end();
    },
    stop: () => clearInterval(timer),
  };
}

/** Only streams that were part of the query can be among the ended ones: one that opened during it has just been checked. */
async function findEnded(
  open: Iterable<StreamSession>,
  key: 'tokenId' | 'browserSessionId',
  findValidIds: (ids: readonly number[]) => Promise<ReadonlySet<number>>,
): Promise<(session: StreamSession) => boolean> {
  const checked = new Set([...open].flatMap(({ [key]: id }) => (id === undefined ? [] : [id])));
  if (checked.size === 0) return () => false;
  const valid = await findValidIds([...checked]);
  return ({ [key]: id }) => id !== undefined && checked.has(id) && !valid.has(id);
}

/** The session of one stream. A class, because there is one for each stream and it must stay small. */
class StreamSession implements StreamAuthorization {
  readonly frames: FrameGuard | undefined;
  readonly #principal: Principal;
  readonly #slot: StreamSlot;
  readonly #open: Set<StreamSession>;
  #connection: Connection | undefined;
  #ended = false;
  /** When to send the bye message; undefined while the right has no end. */
  bye: Bye | undefined;

  constructor({ principal, slot, frames }: AuthorizedStream, open: Set<StreamSession>) {
    this.frames = frames;
    this.#principal = principal;
    this.#slot = slot;
    this.#open = open;
  }

  get tokenId(): number | undefined {
    return this.#principal.tokenId;
  }

  get browserSessionId(): number | undefined {
    return this.#principal.sessionId;
  }

  canRead(organizationId: number): boolean {
    return !this.hasEnded && canAccess(this.#principal, organizationId);
  }

  get hasEnded(): boolean {
    return this.#ended || Date.now() >= endOf(this.#principal);
  }

  watch(connection: Connection): void {
    this.bye = byeBefore(this.#principal.expiresAt);
    this.#connection = connection;
    this.#open.add(this);
  }

  unwatch(): void {
    this.#open.delete(this);
    this.#slot.release();
  }

  endUnlessWatched(): void {
    if (this.#connection === undefined) this.#slot.release();
  }

  end(): void {
    this.#open.delete(this);
    this.#connection?.bye('reauth', 0);
    this.#ended = true;
  }
}

/** One moment, by two clocks: milliseconds since 1970, and `performance.now()`, which is not set back. */
interface Bye {
  at: number;
  atUptime: number;
}

function byeBefore(end: number | undefined): Bye | undefined {
  if (end === undefined || !Number.isFinite(end)) return undefined;
  const at = end - Math.min(BYE_AHEAD_MS, (end - Date.now()) * 0.3);
  return { at, atUptime: performance.now() + at - Date.now() };
}

function isDue({ bye }: StreamSession, now: number, uptime: number): boolean {
  return bye !== undefined && (bye.at <= now || bye.atUptime <= uptime);
}

const endOf = ({ expiresAt = Number.POSITIVE_INFINITY }: Principal) => expiresAt;
