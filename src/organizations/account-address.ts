/**
 * The web address of an organization's Cliniko account, for links to its patients.
 *
 * It is asked from Cliniko once for each key and stored with the key: when the key is verified, and when a page needs it. It
 * is never derived from a name. A failed request is repeated after a while at the earliest.
 */
import type { AccountSource } from '../cliniko/account-source.ts';
import { askOnce } from '../cliniko/ask-once.ts';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { withTimeout } from '../timing/with-timeout.ts';
import { keyVersion, readApiKey } from './organizations.ts';

export interface AccountAddresses {
  /** @returns the host, such as `harbour-street.au2.cliniko.com`; undefined while it is unknown */
  hostOf(organizationId: number): Promise<string | undefined>;
}

export interface AccountAddressDeps {
  /** Not one that is restricted to reads. */
  database: Database;
  sealer: Sealer;
  sourceFor(apiKey: string): AccountSource;
}

/** A page does not wait longer for its links. */
const PATIENCE_MS = 2_000;
const RETRY_AFTER_MS = 60_000;

export function createAccountAddresses(deps: AccountAddressDeps): AccountAddresses {
  /** The newest request for each key, and when it began. */
  const requests = new Map<string, { at: number; host: Promise<string | undefined> }>();

  const ask = (organizationId: number, version: string): Promise<string | undefined> => {
    const now = performance.now();
    for (const [key, { at }] of requests) if (now - at >= RETRY_AFTER_MS) requests.delete(key);
    const key = `${organizationId} ${version}`;
    const known = requests.get(key);
    if (known !== undefined) return known.host;
    // Without an address the pages have no links; nothing else depends on it.
    const host = askAndStore(deps, organizationId, version).catch(() => undefined);
    requests.set(key, { at: now, host });
    return host;
  };
  return {
    async hostOf(organizationId) {
      const stored = await readStored(deps.database, organizationId);
      if (stored === undefined) return undefined;
      return (
        stored.host ?? (await withTimeout(PATIENCE_MS, ask(organizationId, stored.version), () => undefined))
      );
    },
  };
}

/** @param host of the account; undefined while it is unknown */
export function patientAddress(host: string | undefined, clinikoId: string | null): string | null {
  return host === undefined || clinikoId === null ? null : `https://${host}/patients/${clinikoId}`;
}

/** @returns undefined when the organization has no key */
async function readStored({ sql }: Database, organizationId: number) {
  const [row] = await sql<{ host: string | null; version: string }[]>`
    select account_host as host, ${keyVersion(sql)} as version
    from cliniko_credentials as credentials where organization_id = ${organizationId}`;
  return row;
}

async function askAndStore(
  { database, sealer, sourceFor }: AccountAddressDeps,
  organizationId: number,
  version: string,
): Promise<string | undefined> {
  const apiKey = await readApiKey(database, sealer, organizationId);
  if (apiKey === undefined) return undefined;
  const host = await askOnce((options) => sourceFor(apiKey).host(options));
  // A key that was stored during the request may belong to another account.
  const { sql } = database;
  await sql`update cliniko_credentials as credentials set account_host = ${host}
    where organization_id = ${organizationId} and ${keyVersion(sql)} = ${version}`;
  return host;
}
