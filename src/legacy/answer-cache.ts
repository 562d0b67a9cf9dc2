/**
 * Responses that old panels poll every second, cached until the organization's stream advances.
 *
 * While an organization is watched or polled, the hub knows its head without a query. The same head gives the same
 * response. What changes without an event is read again: after a write through this server, otherwise after a while.
 *
 * Not here: what the responses hold (the routes beside this file).
 */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { formatCursor } from '#contract/cursor.ts';
import type { LatestRunCache } from '../events/latest-run-cache.ts';
import type { StreamHead } from '../events/sync-logs.ts';
import { matchesEtag } from '../http/etag.ts';

/**
 * How long an answer may miss what another server or a manual statement changed. A panel polls every second, so fewer than
 * one poll in twenty reads the tables.
 */
const FRESH_MS = 30_000;
/** Of all answers together, with the addresses that they belong to. */
const MAX_CHARACTERS = 16_000_000;

export interface AnswerCache {
  /**
   * Answers with a body and an ETag, or with 304.
   *
   * @param build the body without its `timestamp`, which is the time of each answer
   */
  answer(c: Context, organizationId: number, build: () => Promise<object>): Promise<Response>;
  /** Call it after a write: a key or an erasure changes the answers, and is no event. */
  forget(organizationId: number): void;
}

interface CachedAnswer {
  organizationId: number;
  /** The head of the stream at which it was built; undefined: it must not be used again. */
  cursor: string | undefined;
  builtAt: number;
  body: string;
  etag: string;
}

/** @param readHead one query, for the moments in which the hub's memory may be out of date */
export function createAnswerCache(
  latestRuns: LatestRunCache,
  readHead: (organizationId: number) => Promise<StreamHead>,
): AnswerCache {
  const answers = createStore();
  let writes = 0;

  const cursorOf = async (organizationId: number): Promise<string> => {
    const known = latestRuns.get(organizationId);
    if (known !== undefined) return formatCursor(known.epoch, known.head);
    const read = await readHead(organizationId);
    latestRuns.observe(organizationId, read);
    return formatCursor(read.epoch, read.head);
  };
  const fresh = (key: string, cursor: string): CachedAnswer | undefined => {
    const known = answers.get(key);
    if (known === undefined || known.cursor !== cursor) return undefined;
    return performance.now() - known.builtAt < FRESH_MS ? known : undefined;
  };
  const buildAnswer = async (
    organizationId: number,
    cursor: string,
    build: () => Promise<object>,
  ): Promise<CachedAnswer> => {
    const before = writes;
    const content = await build();
    // A write during the build may be missing in it, so this answer is not used again.
    return { organizationId, cursor: writes === before ? cursor : undefined, ...render(content) };
  };
  return {
    async answer(c, organizationId, build) {
      const key = c.req.url;
      // Read before the response is built: a change during the build makes this response too old, never too new.
      const cursor = await cursorOf(organizationId);
      const answer = fresh(key, cursor) ?? (await buildAnswer(organizationId, cursor, build));
      answers.keep(key, answer);
      return send(c, answer);
    },
    forget(organizationId) {
      writes += 1;
      answers.removeOf(organizationId);
    },
  };
}

const sizeOf = (key: string, { body }: CachedAnswer) => key.length + body.length;

/** The answers by request, up to `MAX_CHARACTERS`. */
function createStore() {
  /** The least recently used first. */
  const answers = new Map<string, CachedAnswer>();
  let characters = 0;
  const remove = (key: string): void => {
    const answer = answers.get(key);
    if (answer !== undefined) characters -= sizeOf(key, answer);
    answers.delete(key);
  };
  return {
    get: (key: string) => answers.get(key),
    keep(key: string, answer: CachedAnswer): void {
      remove(key);
      answers.set(key, answer);
      characters += sizeOf(key, answer);
      for (const oldest of answers.keys()) {
        if (characters <= MAX_CHARACTERS) break;
        remove(oldest);
      }
    },
    removeOf(organizationId: number): void {
      for (const [key, answer] of answers) if (answer.organizationId === organizationId) remove(key);
    },
  };
}

function render(content: object): Pick<CachedAnswer, 'builtAt' | 'body' | 'etag'> {
  const body = JSON.stringify(content);
  const compared = JSON.stringify(content, (key, value: unknown) =>
    key === 'generated_at' ? undefined : value,
  );
  const etag = `"${createHash('sha256').update(compared).digest('base64url').slice(0, 22)}"`;
  return { builtAt: performance.now(), body, etag };
}

function send(c: Context, { body, etag }: CachedAnswer): Response {
  c.header('etag', etag);
  c.header('cache-control', 'private, no-cache');
  if (matchesEtag(c.req.header('if-none-match'), etag)) return c.body(null, 304);
  const timestamp = `"timestamp":${JSON.stringify(new Date().toISOString())}`;
  return c.body(`${body.slice(0, -1)}${body === '{}' ? '' : ','}${timestamp}}`, 200, {
    'content-type': 'application/json',
  });
}
