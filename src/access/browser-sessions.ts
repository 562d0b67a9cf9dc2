/**
 * Sessions of people in browsers: a random secret in a cookie, its hash in the database.
 *
 * A session belongs to the account of an API token and has its rights as they are now, so revoking the token ends its sessions.
 * Each day of use renews it. The end of a session deletes its row: what is not in the table has no access.
 *
 * Not here: the cookie (session-cookie.ts), the links that open sessions (sign-in-links.ts), the streams of a session
 * (stream-sessions.ts).
 */
import { randomBytes } from 'node:crypto';
import type { ISql } from 'postgres';
import { type AuditEntry, appendAudit } from '../audit/append.ts';
import { maintainHourly } from '../database/maintain-hourly.ts';
import type { Database } from '../database/open.ts';
import type { Principal } from '../http/principal.ts';
import type { Logger } from '../logging/logger.ts';
import { hashOf, type TokenRow, toPrincipal, validAccounts } from './api-tokens.ts';

/** Without use for so long, a session ends. */
export const IDLE_DAYS = 30;
/** After so long it ends in any case, and the person signs in again. */
export const LONGEST_DAYS = 180;
/** A session of the identity provider is not renewed: the provider decides by the next sign-in whether the person may still enter. */
export const PROVIDER_SESSION_HOURS = 12;

const SECRET = /^[A-Za-z0-9_-]{43}$/;

type WithSql = Pick<Database, 'sql'>;

export interface FoundSession {
  principal: Principal;
  /** It was last renewed a day ago or more. */
  isDue: boolean;
}

/** The request that opens or ends a session, for the audit entry. */
export type SessionRequest = Pick<AuditEntry, 'requestId'>;

/**
 * @param identityId of a sign-in at the identity provider
 * @returns the secret of the session, for its cookie
 */
export async function openSession(
  tx: ISql,
  tokenId: number,
  request: SessionRequest,
  identityId?: number,
): Promise<string> {
  const hours = identityId === undefined ? IDLE_DAYS * 24 : PROVIDER_SESSION_HOURS;
  const secret = randomBytes(32).toString('base64url');
  const [row] = await tx<{ id: number }[]>`
    insert into browser_sessions (secret_hash, token_id, identity_id, expires_at)
    values (${hashOf(secret)}, ${tokenId}, ${identityId ?? null}, now() + make_interval(hours => ${hours}))
    returning id`;
  if (row === undefined) throw new Error('An insert returned nothing.');
  await appendAudit(tx, {
    organizationId: null,
    actor: `token:${tokenId}`,
    action: 'session.create',
    details: {
      token_id: tokenId,
      session_id: row.id,
      ...(identityId !== undefined && { identity_id: identityId }),
    },
    ...request,
  });
  return secret;
}

/** Whether a cookie can hold a secret of a session: any other text needs no query. */
export const isSessionSecret = (text: string): boolean => SECRET.test(text);

/** The valid ones among these sessions, by the hash of their secret. */
export async function findSessions(
  { sql }: WithSql,
  hashes: readonly string[],
  bootstrapHash: string | undefined,
): Promise<Map<string, FoundSession>> {
  const rows = await sql<
    (TokenRow & { secret_hash: string; session_id: number; session_ms: number; is_due: boolean })[]
  >`
    select account.*, session.secret_hash, session.id as session_id,
      (extract(epoch from session.expires_at) * 1000)::float8 as session_ms,
      session.identity_id is null and session.renewed_at < now() - interval '1 day' as is_due
    from browser_sessions as session join ${validAccounts(sql, bootstrapHash)} as account on account.id = session.token_id
    where session.secret_hash = any(${hashes as string[]}::text[]) and session.expires_at > now()`;
  return new Map(
    rows.map(({ secret_hash, session_id, session_ms, is_due, ...token }) => {
      const expiresAt = Math.min(session_ms, token.expires_ms ?? Number.POSITIVE_INFINITY);
      const principal = { ...toPrincipal(token), expiresAt, sessionId: session_id };
      return [secret_hash, { principal, isDue: is_due }];
    }),
  );
}

/** The ones among these sessions that have not ended. Their tokens are checked separately. */
export async function findOpenSessions({ sql }: WithSql, ids: readonly number[]): Promise<Set<number>> {
  const rows = await sql<{ id: number }[]>`
    select id from browser_sessions where id = any(${ids as number[]}::int[]) and expires_at > now()`;
  return new Set(rows.map(({ id }) => id));
}

/** @returns when it ends now; undefined when it has ended already */
export async function renewSession({ sql }: WithSql, id: number): Promise<Date | undefined> {
  const [row] = await sql<{ expires_ms: number }[]>`
    update browser_sessions set renewed_at = now(),
      expires_at = least(now() + make_interval(days => ${IDLE_DAYS}), created_at + make_interval(days => ${LONGEST_DAYS}))
    where id = ${id} and expires_at > now()
    returning (extract(epoch from expires_at) * 1000)::float8 as expires_ms`;
  return row && new Date(row.expires_ms);
}

/**
 * Ends one session of an account, or all of them.
 *
 * @returns the ids of those that have ended
 */
export async function endSessions(
  { sql }: WithSql,
  { tokenId, sessionId }: { tokenId: number; sessionId: number | undefined },
  request: SessionRequest,
): Promise<number[]> {
  return sql.begin(async (tx) => {
    const ended = await tx<{ id: number }[]>`
      delete from browser_sessions
      where token_id = ${tokenId} ${sessionId === undefined ? tx`` : tx`and id = ${sessionId}`} returning id`;
    if (ended.length === 0) return [];
    await appendAudit(tx, {
      organizationId: null,
      actor: `token:${tokenId}`,
      action: 'session.end',
      details: { token_id: tokenId, sessions: ended.length },
      ...request,
    });
    return ended.map(({ id }) => id);
  });
}

/** @returns a function that stops it */
export function deleteOldSessions({ sql }: WithSql, logger: Logger): Promise<() => void> {
  const work = async (): Promise<void> => {
    await sql`delete from browser_sessions where expires_at < now()`;
    await sql`delete from sign_in_links where expires_at < now() - interval '1 day'`;
  };
  return maintainHourly(work, logger, 'Deleting ended sessions failed; the next try deletes them');
}
