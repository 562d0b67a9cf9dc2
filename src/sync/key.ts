/**
 * The key of a run: what was read with one API key and what was read with another prove nothing together, they may be two
 * clinics. So a run keeps to the key that it began with, and fails when it finds another one: when a worker takes it up,
 * every few seconds while it runs, and in the transaction that would complete it.
 */
import type { ISql } from 'postgres';
import type { Database } from '../database/open.ts';
import { readKeyVersion } from '../organizations/organizations.ts';
import { KeyReplacedError } from './failure.ts';
import { isOurs } from './lease.ts';
import type { OpenRun } from './open-run.ts';

/** @throws KeyReplacedError */
export async function keepToKey(run: OpenRun, sql: ISql): Promise<void> {
  const keyVersion = (await readKeyVersion(sql, run.claimed.lease.organizationId)) ?? null;
  const before = run.state.keyVersion;
  if (before !== null && before !== keyVersion) throw new KeyReplacedError('The API key was replaced.');
  run.state = { ...run.state, keyVersion };
}

/** Keeps to the key, and writes down which: a run that waits for its first page is ended by another key too. */
export async function rememberKey(run: OpenRun): Promise<void> {
  const { sql } = run.tools.database;
  const before = run.state.keyVersion;
  await keepToKey(run, sql);
  if (before === run.state.keyVersion) return;
  await sql`update sync_runs set checkpoint = ${JSON.stringify(run.state)}::text::jsonb
    where ${isOurs(sql, run.claimed.lease)}`;
}

/** @returns those whose clinic has another key now than the one they began with, as of their checkpoints */
export async function findKeyReplaced({ sql }: Database, syncLogIds: readonly number[]): Promise<number[]> {
  if (syncLogIds.length === 0) return [];
  const rows = await sql<{ id: number }[]>`
    select sync_log_id as id
    from sync_runs as run join cliniko_credentials as credentials using (organization_id)
    where sync_log_id = any(${syncLogIds as number[]}::int[])
      and run.checkpoint ->> 'keyVersion' <> extract(epoch from credentials.updated_at)::text`;
  return rows.map(({ id }) => id);
}
