/**
 * One-time links for people: each opens one session in a browser, for the account of an API token.
 *
 * The code is in the fragment of the address, which browsers send to no server: no log of a proxy has it, and a program that
 * previews links in messages fetches only a page. The page exchanges the code when the person presses its button.
 */
import { randomBytes } from 'node:crypto';
import type { ISql } from 'postgres';
import { appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import { hashOf, OPERATOR, storedAccounts, type TokenRow, validAccounts } from './api-tokens.ts';

export interface SignInLink {
  code: string;
  expiresAt: Date;
  account: Pick<TokenRow, 'name' | 'scope'>;
}

/** @returns undefined when no valid token has this id, or people cannot use it: it only reads metrics */
export async function createSignInLink(
  { sql }: Pick<Database, 'sql'>,
  tokenId: number,
  minutes: number,
): Promise<SignInLink | undefined> {
  const code = randomBytes(32).toString('base64url');
  return sql.begin(async (tx) => {
    const [created] = await tx<{ expires_ms: number; name: string; scope: TokenRow['scope'] }[]>`
      with account as (
        select * from ${storedAccounts(tx)} as accounts where id = ${tokenId} and scope <> 'metrics'
      ), link as (
        insert into sign_in_links (code_hash, token_id, expires_at)
        select ${hashOf(code)}, id, now() + make_interval(mins => ${minutes}::int) from account
        returning (extract(epoch from expires_at) * 1000)::float8 as expires_ms
      )
      select link.expires_ms, name, scope from link, account`;
    if (created === undefined) return undefined;
    const details = { token_id: tokenId, minutes };
    await appendAudit(tx, { organizationId: null, actor: OPERATOR, action: 'sign-in-link.create', details });
    const { expires_ms, name, scope } = created;
    return { code, expiresAt: new Date(expires_ms), account: { name, scope } };
  });
}

/** The ones among these codes, by their hash, whose links are neither used nor expired. Their tokens are checked at use. */
export async function findOpenLinks(
  { sql }: Pick<Database, 'sql'>,
  hashes: readonly string[],
): Promise<Map<string, true>> {
  const rows = await sql<{ code_hash: string }[]>`
    select code_hash from sign_in_links
    where code_hash = any(${hashes as string[]}::text[]) and used_at is null and expires_at > now()`;
  return new Map(rows.map(({ code_hash }) => [code_hash, true]));
}

/**
 * Uses up the link. Of two requests with the same code one gets the account.
 *
 * @param bootstrapHash hash of this server's `BOOTSTRAP_ADMIN_TOKEN`
 * @returns the id of its token; undefined when the code is unknown, used or expired, or its token no longer valid
 */
export async function useSignInLink(
  tx: ISql,
  code: string,
  bootstrapHash: string | undefined,
): Promise<number | undefined> {
  const [used] = await tx<{ token_id: number }[]>`
    update sign_in_links set used_at = now()
    where code_hash = ${hashOf(code)} and used_at is null and expires_at > now()
      and token_id in (select id from ${validAccounts(tx, bootstrapHash)} as accounts)
    returning token_id`;
  return used?.token_id;
}
