/**
 * Which account an identity of the identity provider gets: only those that an administrator has allowed, by e-mail address or by
 * the provider's id of the person. No claim and no sign-in gives rights to another person.
 *
 * An address can pass to another person. So the first sign-in ties the entry to the provider's id, and after that only this id
 * gets the account.
 */
import type { ISql } from 'postgres';
import { appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import { OPERATOR, storedAccounts, validAccounts } from './api-tokens.ts';
import type { Identity } from './oidc-provider.ts';

/** How an administrator names a person. */
export type PersonKey = { email: string } | { subject: string };

type WithSql = Pick<Database, 'sql'>;

/**
 * Gives the account to this person, in place of another one. Sessions of an earlier entry end.
 *
 * @returns false when no valid token has this id, or people cannot use it
 */
export async function allowPerson({ sql }: WithSql, tokenId: number, person: PersonKey): Promise<boolean> {
  return sql.begin(async (tx) => {
    const accounts = await tx`
      select id from ${storedAccounts(tx)} as accounts where id = ${tokenId} and scope <> 'metrics'`;
    if (accounts.length === 0) return false;
    await tx`delete from sign_in_identities where ${isPerson(tx, person)}`;
    const [email, subject] = 'email' in person ? [person.email, null] : [null, person.subject];
    const [row] = await tx<{ id: number }[]>`
      insert into sign_in_identities (token_id, email, wanted_subject) values (${tokenId}, ${email}, ${subject})
      returning id`;
    const details = { token_id: tokenId, identity_id: row?.id ?? 0 };
    await appendAudit(tx, { organizationId: null, actor: OPERATOR, action: 'identity.allow', details });
    return true;
  });
}

/** Its sessions end. @returns false when the person was not allowed */
export async function disallowPerson({ sql }: WithSql, person: PersonKey): Promise<boolean> {
  return sql.begin(async (tx) => {
    const [gone] = await tx<{ id: number; token_id: number }[]>`
      delete from sign_in_identities where ${isPerson(tx, person)} returning id, token_id`;
    if (gone === undefined) return false;
    const details = { token_id: gone.token_id, identity_id: gone.id };
    await appendAudit(tx, { organizationId: null, actor: OPERATOR, action: 'identity.disallow', details });
    return true;
  });
}

function isPerson(tx: ISql, person: PersonKey) {
  return 'email' in person ? tx`email = ${person.email}` : tx`wanted_subject = ${person.subject}`;
}

export interface ListedPerson {
  token_id: number;
  person: string;
}

export async function listPeople({ sql }: WithSql): Promise<ListedPerson[]> {
  return sql<ListedPerson[]>`
    select token_id, coalesce(email, 'subject ' || wanted_subject) as person from sign_in_identities order by id`;
}

/**
 * Finds the account of an identity, and ties the entry to its id at the first time.
 *
 * @param bootstrapHash hash of this server's `BOOTSTRAP_ADMIN_TOKEN`
 * @returns undefined when no administrator has allowed it, or its token is no longer valid
 */
export async function accountOf(
  tx: ISql,
  { issuer, subject, email }: Identity,
  bootstrapHash: string | undefined,
): Promise<{ identityId: number; tokenId: number } | undefined> {
  const find = () => tx<{ id: number; token_id: number }[]>`
    select id, token_id from sign_in_identities
    where issuer = ${issuer} and subject = ${subject}
      and token_id in (select id from ${validAccounts(tx, bootstrapHash)} as accounts)`;
  const [known] = await find();
  if (known !== undefined) return { identityId: known.id, tokenId: known.token_id };
  await tx`
    update sign_in_identities set issuer = ${issuer}, subject = ${subject}
    where id = (select id from sign_in_identities
        where issuer is null and (email = ${email ?? null} or wanted_subject = ${subject}) order by id limit 1 for update)
      and not exists (select from sign_in_identities where issuer = ${issuer} and subject = ${subject})`;
  const [tied] = await find();
  return tied && { identityId: tied.id, tokenId: tied.token_id };
}
