/**
 * Whether a start would wait for another transaction, which has locked the row of the organization, or its stream of events: every
 * write to `sync_logs` locks the stream until it commits.
 *
 * Work that starts runs of many organizations asks first. So however many of them another program has locked, none is waited for.
 */
import type { Tx } from '../database/open.ts';
import { freeStreams } from '../events/free-streams.ts';
import { findRunning } from './start-run.ts';

export async function wouldStartWait(tx: Tx, organizationId: number): Promise<boolean> {
  // A start joins a running run, whose steps lock the stream too, each for a moment.
  if ((await findRunning(tx, organizationId)) !== undefined) return false;
  // The rollback frees the stream again: in the lock order it comes after the rows of `sync_logs`.
  await tx`savepoint before_asking`;
  const [found] = await tx<{ is_locked: boolean }[]>`
    with stream as (${freeStreams(tx, tx`select ${organizationId}::int`)}),
    organization as (select from organizations where id = ${organizationId} for key share skip locked)
    select exists (select from sync_streams where organization_id = ${organizationId}) and not exists (select from stream)
      or exists (select from organizations where id = ${organizationId}) and not exists (select from organization) as is_locked`;
  await tx`rollback to savepoint before_asking`;
  return found?.is_locked ?? false;
}
