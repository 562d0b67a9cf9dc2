/**
 * Responses that old panels poll every second, cached until the organization's stream advances.
 *
 * While an organization is watched or polled, the hub knows its head without a query. The same head gives the same
 * response; counts that can change without an event (an erasure, a manual statement) are read again after a while.
 *
 * Not here: what the responses hold (the routes beside this file).
 */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { LatestRunCache } from '../events/latest-run-cache.ts';

/** How long a count may be stale. */
const FRESH_MS = 5_000;
const MAX_ANSWERS = 2_000;

export interface AnswerCache {
  /**
   * Answers with a body and an ETag, or with 304.
   *
   * @param build the body without its `timestamp`, which is the time of each answer
   */
  answer(c: Context, organizationId: number, build: () => Promise<object>): Promise<Response>;
}

interface CachedAnswer {
  place: string | undefined;
  builtAt: number;
  body: string;
  etag: string;
}

export function createAnswerCache(
  newest: LatestRunCache,
  now: () => number = () => performance.now(),
): AnswerCache {
  /** By request; the least recently used first. */
  const answers = new Map<string, CachedAnswer>();

  const placeOf = (organizationId: number): string | undefined => {
    const known = newest.get(organizationId);
    return known && `${known.epoch}.${known.head}`;
  };
  const fresh = (key: string, place: string | undefined): CachedAnswer | undefined => {
    const known = answers.get(key);
    if (known === undefined || place === undefined || known.place !== place) return undefined;
    return now() - known.builtAt < FRESH_MS ? known : undefined;
  };
  return {
    async answer(c, organizationId, build) {
      const key = `${c.req.path}?${new URL(c.req.url).searchParams.toString()}`;
      // Read before the response is built: a change during the build makes this response too old, never too new.
      const place = placeOf(organizationId);
      const known = fresh(key, place);
      const answer = known ?? toAnswer(await build(), place, now());
      answers.delete(key);
      answers.set(key, answer);
      for (const oldest of answers.keys()) {
        if (answers.size <= MAX_ANSWERS) break;
        answers.delete(oldest);
      }
      return send(c, answer);
    },
  };
}

function toAnswer(content: object, place: string | undefined, builtAt: number): CachedAnswer {
  const body = JSON.stringify(content);
  const compared = JSON.stringify(content, (key, value: unknown) =>
    key === 'generated_at' ? undefined : value,
  );
  const etag = `"${createHash('sha256').update(compared).digest('base64url').slice(0, 22)}"`;
  return { place, builtAt, body, etag };
}

function send(c: Context, { body, etag }: CachedAnswer): Response {
  c.header('etag', etag);
  c.header('cache-control', 'private, no-cache');
  const asked = c.req.header('if-none-match') ?? '';
  if (asked.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)) return c.body(null, 304);
  const timestamp = `"timestamp":${JSON.stringify(new Date().toISOString())}`;
  return c.body(`${body.slice(0, -1)}${body === '{}' ? '' : ','}${timestamp}}`, 200, {
    'content-type': 'application/json',
  });
}
