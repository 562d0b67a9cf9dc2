/**
 * API tokens: created by the command line, shown once, stored as a hash.
 *
 * A token is `pst_` and 32 random bytes in base64url. The prefix lets secret scanners find a leaked token.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ISql } from 'postgres';
import { appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import type { Principal, Scope } from '../http/principal.ts';

const TOKEN = /^pst_[A-Za-z0-9_-]{43}$/;

export function isApiToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Name of the row that holds the hash of the variable. No other token may have it. */
export const BOOTSTRAP_TOKEN_NAME = 'BOOTSTRAP_ADMIN_TOKEN';

/** Gives the variable's token an id for the audit log before it is used. Idempotent. */
export async function storeBootstrapToken({ sql }: Database, token: string): Promise<void> {
  await sql.begin(async (tx) => {
    const [row] = await tx<{ id: number }[]>`
      insert into api_tokens (name, token_hash, scope, organizations)
      values (${BOOTSTRAP_TOKEN_NAME}, ${hashOf(token)}, 'admin', null)
      on conflict (token_hash) do nothing returning id`;
    if (row === undefined) return;
    const details = { token_id: row.id, scope: 'admin' };
    await appendAudit(tx, {
      organizationId: null,
      actor: BOOTSTRAP_TOKEN_NAME,
      action: 'token.create',
      details,
    });
  });
}

export interface NewToken {
  name: string;
  scope: Scope;
  organizations: '*' | readonly number[];
  /** Undefined: it does not expire. */
  expiresInDays: number | undefined;
}

/** The operating system account behind the command line, for the audit log. */
export const OPERATOR = 'command line';

/** @returns the token itself, which is stored nowhere */
export async function createToken(
  { sql }: Database,
  newToken: NewToken,
): Promise<{ id: number; token: string }> {
  const token = `pst_${randomBytes(32).toString('base64url')}`;
  const { name, scope, expiresInDays = null } = newToken;
  const organizations = newToken.organizations === '*' ? null : [...newToken.organizations];
  const id = await sql.begin(async (tx) => {
    const [row] = await tx<{ id: number }[]>`
      insert into api_tokens (name, token_hash, scope, organizations, expires_at)
      values (${name}, ${hashOf(token)}, ${scope}, ${organizations}::int[],
        now() + make_interval(days => ${expiresInDays}::int))
      returning id`;
    if (row === undefined) throw new Error('An insert returned nothing.');
    await appendAudit(tx, {
      organizationId: null,
      actor: OPERATOR,
      action: 'token.create',
      details: { token_id: row.id, scope },
    });
    return row.id;
  });
  return { id, token };
}

/** @returns false when there is no such token, or it was already revoked */
export async function revokeToken({ sql }: Database, id: number): Promise<boolean> {
  return sql.begin(async (tx) => {
    const rows = await tx`update api_tokens set revoked_at = now() where id = ${id} and revoked_at is null
      returning id`;
    if (rows.length === 0) return false;
    await appendAudit(tx, {
      organizationId: null,
      actor: OPERATOR,
      action: 'token.revoke',
      details: { token_id: id },
    });
    return true;
  });
}

export interface TokenRow {
  id: number;
  name: string;
  scope: Scope;
  organizations: number[] | null;
  /** Milliseconds since 1970. */
  expires_ms: number | null;
}

const columns = (sql: ISql) =>
  sql`id, name, scope, organizations, (extract(epoch from expires_at) * 1000)::float8 as expires_ms`;
/** The variable's token is valid only while there is no other valid admin token. */
const stored = (sql: ISql) => sql`revoked_at is null and (expires_at is null or expires_at > now())
  and (name <> ${BOOTSTRAP_TOKEN_NAME} or not exists (
    select from api_tokens other where other.scope = 'admin' and other.name <> ${BOOTSTRAP_TOKEN_NAME}
      and other.revoked_at is null and (other.expires_at is null or other.expires_at > now())))`;

/**
 * Every way to an account asks this: its token, a session, a stream token, a sign-in. A session that did not would outlive the
 * variable by months.
 *
 * @param bootstrapHash hash of this server's variable; undefined: no bootstrap token is valid
 */
const valid = (sql: ISql, bootstrapHash: string | undefined) => sql`${stored(sql)}
  and (name <> ${BOOTSTRAP_TOKEN_NAME} or token_hash = ${bootstrapHash ?? ''})`;

/** A subquery of the accounts for which the command line makes links and entries: it does not know the variable of a server. */
export const storedAccounts = (sql: ISql) =>
  sql`(select ${columns(sql)} from api_tokens where ${stored(sql)})`;

/** A subquery of the accounts that this server accepts now. */
export const validAccounts = (sql: ISql, bootstrapHash: string | undefined) =>
  sql`(select ${columns(sql)} from api_tokens where ${valid(sql, bootstrapHash)})`;

/** The valid ones among these tokens, by hash. */
export async function findByHashes(
  { sql }: Database,
  hashes: readonly string[],
  bootstrapHash: string | undefined,
): Promise<Map<string, Principal>> {
  const rows = await sql<(TokenRow & { token_hash: string })[]>`
    select token_hash, ${columns(sql)} from api_tokens
    where token_hash = any(${hashes as string[]}::text[]) and ${valid(sql, bootstrapHash)}`;
  return new Map(rows.map((row) => [row.token_hash, toPrincipal(row)]));
}

/** @returns undefined when the token is unknown, revoked or expired */
export async function findById(
  { sql }: Database,
  id: number,
  bootstrapHash: string | undefined,
): Promise<Principal | undefined> {
  const [row] = await sql<TokenRow[]>`
    select ${columns(sql)} from api_tokens where id = ${id} and ${valid(sql, bootstrapHash)}`;
  return row && toPrincipal(row);
}

/** The ones among these tokens that are still valid. */
export async function findValid(
  { sql }: Database,
  ids: readonly number[],
  bootstrapHash: string | undefined,
): Promise<Set<number>> {
  const rows = await sql<{ id: number }[]>`
    select id from api_tokens where id = any(${ids as number[]}::int[]) and ${valid(sql, bootstrapHash)}`;
  return new Set(rows.map((row) => row.id));
}

export interface ListedToken {
  id: number;
  name: string;
  scope: Scope;
  organizations: number[] | null;
  created: string;
  expires: string | null;
  state: 'valid' | 'expired' | 'revoked';
}

export async function listTokens({ sql }: Database): Promise<ListedToken[]> {
  const day = (column: string) => sql`to_char(${sql(column)} at time zone 'utc', 'YYYY-MM-DD')`;
  return sql<ListedToken[]>`
    select id, name, scope, organizations, ${day('created_at')} as created, ${day('expires_at')} as expires,
      case when revoked_at is not null then 'revoked' when expires_at <= now() then 'expired' else 'valid' end as state
    from api_tokens order by id`;
}

export function toPrincipal({ id, name, scope, organizations, expires_ms }: TokenRow): Principal {
  return {
    actor: `token:${id}`,
    name,
    scope,
    organizations: organizations === null ? '*' : new Set(organizations),
    expiresAt: expires_ms ?? undefined,
    tokenId: id,
  };
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
