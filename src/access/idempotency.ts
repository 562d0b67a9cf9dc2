/**
 * `Idempotency-Key` on starts: a request that is repeated because its response was lost gets the same response.
 *
 * Responses are stored in the database for a day, so a repeat works on every server. The first request with a key claims it;
 * until it is answered, other requests with the key are asked to retry later.
 */
import { createHash } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { maintainHourly } from '../database/maintain-hourly.ts';
import type { Database } from '../database/open.ts';
import { principalOf } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import type { Logger } from '../logging/logger.ts';
import { IdempotencyKey } from '../openapi/parameters.ts';

export function replayStarts({ sql }: Database): MiddlewareHandler {
  return async (c, next) => {
    const sent = c.req.header('idempotency-key');
    if (sent === undefined || !c.get('requirement').startsSync) return next();
    const key = IdempotencyKey.safeParse(sent);
    if (!key.success) {
      throw new ProblemError(
        'INVALID_PARAMETER',
        '"Idempotency-Key" must be 1 to 255 printable characters.',
        {
          field: 'Idempotency-Key',
        },
      );
    }
    const keyHash = hashOf(principalOf(c).actor, key.data);
    const requestHash = hashOf(...(await whatIsAsked(c)));
    const first = await claim({ sql }, keyHash, requestHash);
    if (first !== undefined) return replayResponse(first, requestHash);
    try {
      await next();
    } finally {
      await storeResponse({ sql }, keyHash, c);
    }
  };
}

/** Everything that decides what a start does: routes of the old service read the organization and the mode from any of these. */
async function whatIsAsked(c: Context): Promise<string[]> {
  const { search } = new URL(c.req.url);
  const organization = c.req.header('x-organization-id');
  // Not `text()`: the route would then read a text again whose invalid bytes are replaced.
  const body = Buffer.from(await c.req.arrayBuffer()).toString();
  const asked = [c.req.method, `${c.req.path}${search}`, body];
  return organization === undefined ? asked : [...asked, organization];
}

interface StoredResponse {
  request_hash: string;
  status: number | null;
  content_type: string | null;
  body: string | null;
}

type WithSql = Pick<Database, 'sql'>;

/**
 * A claim that is neither answered nor a minute old belongs to a request in progress. Its time may be after `now()`, which is
 * the start of this transaction; a claim from the distant future was made before the clock was set back.
 *
 * @returns undefined when this request owns the key: the key is new, or the claim of a crashed server has expired
 */
async function claim(
  { sql }: WithSql,
  keyHash: string,
  requestHash: string,
): Promise<StoredResponse | undefined> {
  const claimed = await sql`
    insert into idempotency_keys as kept (key_hash, request_hash) values (${keyHash}, ${requestHash})
    on conflict (key_hash) do update set created_at = now(), request_hash = excluded.request_hash,
      status = null, content_type = null, body = null
    where kept.created_at < now() - interval '1 day'
      or (kept.status is null and abs(extract(epoch from clock_timestamp() - kept.created_at)) > 60)
    returning key_hash`;
  if (claimed.length > 0) return undefined;
  const [first] = await sql<StoredResponse[]>`
    select request_hash, status, content_type, body from idempotency_keys where key_hash = ${keyHash}`;
  // The claim was released between the two statements, because its request failed.
  return first ?? { request_hash: requestHash, status: null, content_type: null, body: null };
}

function replayResponse(
  { request_hash, status, content_type, body }: StoredResponse,
  requestHash: string,
): Response {
  if (request_hash !== requestHash) {
    throw new ProblemError(
      'IDEMPOTENCY_KEY_REUSED',
      'This Idempotency-Key was used for another request. Make a new key for each request.',
    );
  }
  if (status === null) {
    throw new ProblemError(
      'IDEMPOTENCY_KEY_IN_USE',
      'The first request with this Idempotency-Key is still being answered. Try again in a second.',
      { headers: { 'retry-after': '1' } },
    );
  }
  return new Response(body, {
    status,
    headers: {
      'content-type': content_type ?? 'application/json',
      'idempotent-replayed': 'true',
    },
  });
}

/** Only of a start: a request that failed or was refused, such as one for an unknown organization, may succeed later. */
async function storeResponse({ sql }: WithSql, keyHash: string, c: Context): Promise<void> {
  const { ok, status, headers } = c.res;
  if (!ok || !c.finalized) {
    await sql`delete from idempotency_keys where key_hash = ${keyHash}`;
    return;
  }
  const body = await c.res.clone().text();
  await sql`update idempotency_keys
    set status = ${status}, content_type = ${headers.get('content-type')}, body = ${body}
    where key_hash = ${keyHash}`;
}

function hashOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** @returns a function that stops it */
export function deleteOldResponses({ sql }: Database, logger: Logger): Promise<() => void> {
  const work = async (): Promise<void> => {
    await sql`delete from idempotency_keys where created_at < now() - interval '1 day'`;
  };
  return maintainHourly(
    work,
    logger,
    'Deleting old answers to Idempotency-Keys failed; the next try deletes them',
  );
}
