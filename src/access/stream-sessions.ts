/**
 * Sessions of open streams: each ends when its token expires or is revoked, on whichever server.
 *
 * One timer serves all: every second it finds sessions about to expire, and every other second it checks in one
 * statement which tokens are still valid. So a revocation reaches every server within 5 s without a message.
 */
import type { Database } from '../database/open.ts';
import { canAccess, type Principal } from '../http/principal.ts';
import type { Connection } from '../live/connection-registry.ts';
import type { FrameGuard, StreamAuthorization } from '../live/stream-authorization.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { findValid } from './api-tokens.ts';

const TICK_MS = 1_000;
const RECHECK_TICKS = 2;
/** Time for a client to reconnect with a new token before the old one is refused. */
const BYE_AHEAD_MS = 5_000;

export interface StreamSessions {
  authorizationFor(principal: Principal, frames?: FrameGuard): StreamAuthorization;
  stop(): void;
}

export function createStreamSessions(database: Database, logger: Logger): StreamSessions {
  const open = new Set<StreamSession>();
  let ticks = 0;
  let checking = false;

  const endExpired = (): void => {
    const [now, uptime] = [Date.now(), performance.now()];
    for (const session of open) if (session.byeAt <= now || session.byeAtUptime <= uptime) session.end();
  };
  const endRevoked = async (): Promise<void> => {
    const checked = new Set([...open].flatMap(({ tokenId }) => (tokenId === undefined ? [] : [tokenId])));
    if (checked.size === 0) return;
    const valid = await findValid(database, [...checked]);
    // Only sessions that were part of the query: a stream that opened during it has just been checked.
    const isRevoked = (id: number | undefined) => id !== undefined && checked.has(id) && !valid.has(id);
    for (const session of open) if (isRevoked(session.tokenId)) session.end();
  };
  const tick = async (): Promise<void> => {
    endExpired();
    ticks += 1;
    if (checking || ticks % RECHECK_TICKS !== 0) return;
    checking = true;
    await endRevoked().catch((error: unknown) =>
      logger.warn(
        safeError(error),
        'The tokens of open streams could not be checked; the next check follows in a few seconds',
      ),
    );
    checking = false;
  };
  const timer = setInterval(tick, TICK_MS);
  timer.unref();
  return {
    authorizationFor: (principal, frames) => new StreamSession(principal, open, frames),
    stop: () => clearInterval(timer),
  };
}

/** The session of one stream. A class, because there is one for each stream and it must stay small. */
class StreamSession implements StreamAuthorization {
  readonly frames: FrameGuard | undefined;
  readonly #principal: Principal;
  readonly #open: Set<StreamSession>;
  #connection: Connection | undefined;
  #ended = false;
  /** Milliseconds since 1970: when to send the bye message. */
  byeAt = Number.POSITIVE_INFINITY;
  /** The same moment by `performance.now()`, which is not set back. */
  byeAtUptime = Number.POSITIVE_INFINITY;

  constructor(principal: Principal, open: Set<StreamSession>, frames: FrameGuard | undefined) {
    this.frames = frames;
    this.#principal = principal;
    this.#open = open;
  }

  get tokenId(): number | undefined {
    return this.#principal.tokenId;
  }

  canRead(organizationId: number): boolean {
    return !this.#ended && Date.now() < endOf(this.#principal) && canAccess(this.#principal, organizationId);
  }

  onEnd(connection: Connection): () => void {
    const end = endOf(this.#principal);
    const ahead = Math.min(BYE_AHEAD_MS, (end - Date.now()) * 0.3);
    this.byeAt = end - (Number.isFinite(end) ? ahead : 0);
    this.byeAtUptime = performance.now() + this.byeAt - Date.now();
    this.#connection = connection;
    this.#open.add(this);
    return () => this.#open.delete(this);
  }

  end(): void {
    this.#open.delete(this);
    this.#connection?.bye('reauth', 0);
    this.#ended = true;
  }
}

const endOf = ({ expiresAt = Number.POSITIVE_INFINITY }: Principal) => expiresAt;
