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
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { findValid } from './api-tokens.ts';
import { findOpenSessions } from './browser-sessions.ts';

const TICK_MS = 1_000;
const RECHECK_TICKS = 2;
/** Time for a client to reconnect with a new token before the old one is refused. */
const BYE_AHEAD_MS = 5_000;

export interface StreamSessions {
  authorizationFor(principal: Principal, frames?: FrameGuard): StreamAuthorization;
  /** Ends the streams of these browser sessions on this server. */
  endOf(browserSessions: readonly number[]): void;
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
    const isRevoked = await findEnded(open, 'tokenId', (ids) => findValid(database, ids));
    const isSignedOut = await findEnded(open, 'browserSessionId', (ids) => findOpenSessions(database, ids));
    for (const session of open) if (isRevoked(session) || isSignedOut(session)) session.end();
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

  get browserSessionId(): number | undefined {
    return this.#principal.sessionId;
  }

  canRead(organizationId: number): boolean {
    return !this.#ended && Date.now() < endOf(this.#principal) && canAccess(this.#principal, organizationId);
  }

  watch(connection: Connection): void {
    const end = endOf(this.#principal);
    const ahead = Math.min(BYE_AHEAD_MS, (end - Date.now()) * 0.3);
    this.byeAt = end - (Number.isFinite(end) ? ahead : 0);
    this.byeAtUptime = performance.now() + this.byeAt - Date.now();
    this.#connection = connection;
    this.#open.add(this);
  }

  unwatch(): void {
    this.#open.delete(this);
  }

  end(): void {
    this.#open.delete(this);
    this.#connection?.bye('reauth', 0);
    this.#ended = true;
  }
}

const endOf = ({ expiresAt = Number.POSITIVE_INFINITY }: Principal) => expiresAt;
