/**
 * Rate limits of this server for each token and each organization: requests a minute, and concurrent streams.
 *
 * A bucket holds a minute's requests and refills steadily, so a page that sends a burst of requests passes and a loop
 * without a pause does not. Memory is bounded: keys come from tokens and organizations, and the least recent are evicted.
 *
 * Not here: connections that send no request (server/http-server.ts), the limits of Cliniko (cliniko/pacer.ts).
 */
import { addressShare } from '../http/client-address.ts';
import type { Principal } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';

export interface RateLimitConfig {
  requestsPerToken: number;
  requestsPerOrganization: number;
  /** Invalid tokens a minute from one address before the response is 429 instead of 401. */
  badTokensPerAddress: number;
  streamsPerToken: number;
  streamsPerOrganization: number;
  /** Of this server in total, for all clients. */
  streams: number;
}

export interface RateLimits {
  /** @throws ProblemError TOO_MANY_REQUESTS */
  takeRequest(principal: Principal, organizationId: number | undefined): void;
  /** Counts another invalid token of this address. @throws ProblemError TOO_MANY_REQUESTS, instead of the 401 */
  takeBadToken(address: string): void;
  /** The number of the next WebSocket, for `takeFrame`. */
  nextSocket(): number;
  /** A frame of this socket. @throws ProblemError TOO_MANY_REQUESTS */
  takeFrame(principal: Principal, socket: number): void;
  /** @throws ProblemError TOO_MANY_STREAMS */
  takeStream(principal: Principal, organizationId: number | undefined): StreamSlot;
}

/** An open stream, as the limits count it. */
export interface StreamSlot {
  /** A second call does nothing. */
  release(): void;
}

const MINUTE_MS = 60_000;
const BUCKETS_AT_MOST = 20_000;
const STREAMS_RETRY_SECONDS = 10;

export function createRateLimits(config: RateLimitConfig, now = () => performance.now()): RateLimits {
  const takeAll = createBuckets(now);
  let sockets = 0;
  return {
    takeBadToken(address) {
      takeAll([{ key: `address:${addressShare(address)}`, perMinute: config.badTokensPerAddress }]);
    },
    nextSocket: () => ++sockets,
    takeFrame({ actor }, socket) {
      // Without accounts each socket has its own bucket: a page in a loop must not keep the database busy.
      const key = actor === 'anyone' ? `socket:${socket}` : actor;
      takeAll([{ key, perMinute: config.requestsPerToken }]);
    },
    takeRequest(principal, organizationId) {
      // AUTH=none: a local single-user machine needs no limit.
      if (principal.actor === 'anyone') return;
      const wanted = [
        { key: principal.actor, perMinute: config.requestsPerToken },
        ...(organizationId === undefined
          ? []
          : [{ key: `organization:${organizationId}`, perMinute: config.requestsPerOrganization }]),
      ];
      takeAll(wanted);
    },
    takeStream: createStreamLimit(config),
  };
}

/** @returns takes a request from each bucket, or from none. @throws ProblemError TOO_MANY_REQUESTS */
function createBuckets(now: () => number) {
  const buckets = new Map<string, Bucket>();
  const bucketOf = (key: string, perMinute: number): Bucket => {
    const bucket = refill(buckets.get(key) ?? { left: perMinute, at: now() }, perMinute, now());
    // Deleted and inserted again, so that the map is ordered by last use and the oldest is evicted first.
    buckets.delete(key);
    buckets.set(key, bucket);
    evictOldest(buckets);
    return bucket;
  };
  return (wanted: readonly { key: string; perMinute: number }[]): void => {
    const found = wanted.map(({ key, perMinute }) => ({ bucket: bucketOf(key, perMinute), perMinute }));
    for (const { bucket, perMinute } of found) if (bucket.left < 1) throw tooMany(bucket, perMinute);
    for (const { bucket } of found) bucket.left -= 1;
  };
}

function createStreamLimit(config: RateLimitConfig): RateLimits['takeStream'] {
  const counts: StreamCounts = { all: 0, byKey: new Map() };
  return (principal, organizationId) => {
    const isLimited = principal.actor !== 'anyone';
    const token = isLimited ? principal.actor : undefined;
    const organization = isLimited ? organizationId : undefined;
    const isFull = (key: StreamKey, most: number) => (counts.byKey.get(key) ?? 0) >= most;
    if (isFull(token, config.streamsPerToken)) throw tooManyStreams(config.streamsPerToken);
    if (isFull(organization, config.streamsPerOrganization))
      throw tooManyStreams(config.streamsPerOrganization);
    if (counts.all >= config.streams) throw tooManyStreams(config.streams);
    return new CountedStream(counts, token, organization);
  };
}

/** The actor of a token, or the id of an organization; undefined: no limit. */
type StreamKey = string | number | undefined;

interface StreamCounts {
  all: number;
  byKey: Map<StreamKey, number>;
}

/** A class: there is one for each open stream, and it must stay small. */
class CountedStream implements StreamSlot {
  readonly #counts: StreamCounts;
  readonly #token: StreamKey;
  readonly #organization: StreamKey;
  #isReleased = false;

  constructor(counts: StreamCounts, token: StreamKey, organization: StreamKey) {
    this.#counts = counts;
    this.#token = token;
    this.#organization = organization;
    counts.all += 1;
    this.#count(token, 1);
    this.#count(organization, 1);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#counts.all -= 1;
    this.#count(this.#token, -1);
    this.#count(this.#organization, -1);
  }

  #count(key: StreamKey, change: 1 | -1): void {
    if (key === undefined) return;
    const { byKey } = this.#counts;
    const count = (byKey.get(key) ?? 0) + change;
    if (count > 0) byKey.set(key, count);
    else byKey.delete(key);
  }
}

interface Bucket {
  left: number;
  at: number;
}

function refill({ left, at }: Bucket, perMinute: number, now: number): Bucket {
  return { left: Math.min(perMinute, left + ((now - at) * perMinute) / MINUTE_MS), at: now };
}

function evictOldest(buckets: Map<string, Bucket>): void {
  const [oldest] = buckets.keys();
  if (buckets.size > BUCKETS_AT_MOST && oldest !== undefined) buckets.delete(oldest);
}

function tooMany({ left }: Bucket, perMinute: number): ProblemError {
  const seconds = Math.max(1, Math.ceil(((1 - left) * MINUTE_MS) / perMinute / 1_000));
  return new ProblemError('TOO_MANY_REQUESTS', `Too many requests. Try again in ${seconds} s.`, {
    headers: limitHeaders(perMinute, seconds),
  });
}

function tooManyStreams(most: number): ProblemError {
  return new ProblemError(
    'TOO_MANY_STREAMS',
    'Too many streams are open. Close one, or poll sync-logs instead.',
    { headers: limitHeaders(most, STREAMS_RETRY_SECONDS) },
  );
}

/** Clients read the wait in one of two forms. `X-RateLimit-Reset` is in seconds since 1970, as Cliniko writes it. */
function limitHeaders(limit: number, retrySeconds: number): Record<string, string> {
  return {
    'retry-after': String(retrySeconds),
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(Math.ceil(Date.now() / 1_000) + retrySeconds),
  };
}
