/**
 * The pause of everything, and the end of a pause that a refused key caused.
 *
 * The scheduler (sync/schedule/scheduler.ts) reads the pause in the statement that looks for due organizations, so it holds for every
 * server at once and survives restarts. Running runs finish, and a start by hand runs.
 *
 * Not here: the pause of one organization, which is one of its settings (pause-change.ts).
 */
import type { ISql, Sql } from 'postgres';
import type { OrganizationChange } from '#contract/organization.ts';
import type { Pause, PauseRequest } from '#contract/pause.ts';
import { type AuditEntry, appendAudit } from '../audit/append.ts';
import type { PatientSource } from '../cliniko/source.ts';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { OrganizationDeletedError } from './organization-lock.ts';
import { firingColumns, readApiKey } from './organizations.ts';
import { type PauseChange, pauseChange } from './pause-change.ts';
import { storedFirings } from './planned-firings.ts';
import { verifyStoredKey } from './verify-api-key.ts';

/** True while everything is paused. */
export const isEverythingPaused = (sql: ISql) => sql`exists (select from sync_pause where paused)`;

/** When everything was resumed: firings that were planned before have rested, and are not made up for. */
export const resumedAt = (sql: ISql) => sql`(select changed_at from sync_pause where not paused)`;

const NOT_PAUSED: Pause = { paused: false, reason: null, paused_at: null, paused_by: null };

export async function readPause(sql: ISql): Promise<Pause> {
  const [row] = await sql<{ reason: string | null; at: number; by: string | null }[]>`
    select reason, extract(epoch from changed_at)::float8 * 1000 as at, changed_by as by from sync_pause where paused`;
  if (row === undefined) return NOT_PAUSED;
  return { paused: true, reason: row.reason, paused_at: new Date(row.at).toISOString(), paused_by: row.by };
}

/** A second pause keeps the time and the account of the first one. Recorded in the audit log. */
export async function setPause(
  sql: Sql,
  { paused, reason = null }: PauseRequest,
  by: Pick<AuditEntry, 'actor' | 'requestId'>,
  name: string | null = null,
): Promise<Pause> {
  return await sql.begin(async (tx) => {
    await tx`
      insert into sync_pause as pause (paused, reason, changed_at, changed_by)
      values (${paused}, ${paused ? reason : null}, clock_timestamp(), ${name})
      on conflict (singleton) do update set paused = excluded.paused, reason = excluded.reason,
        changed_at = case when pause.paused = excluded.paused then pause.changed_at else excluded.changed_at end,
        changed_by = case when pause.paused = excluded.paused then pause.changed_by else excluded.changed_by end`;
    const action = paused ? 'pause.begin' : 'pause.end';
    await appendAudit(tx, { organizationId: null, action, details: {}, ...by });
    return await readPause(tx);
  });
}

/**
 * Pauses or resumes one organization, in the caller's transaction. A pause keeps its first reason.
 *
 * @throws OrganizationDeletedError when the organization is not registered
 */
export async function changePause(
  tx: ISql,
  organizationId: number,
  change: Pick<OrganizationChange, 'paused' | 'paused_reason'>,
  by: string | null,
): Promise<PauseChange['outcome']> {
  const [row] = await tx<{ schedule: unknown; pausedAt: string | null; pausedReason: string | null }[]>`
    select schedule, paused_at::text as "pausedAt", paused_reason as "pausedReason" from organizations
    where id = ${organizationId} for update`;
  if (row === undefined) throw new OrganizationDeletedError(organizationId);
  const { outcome, isPaused, columns } = pauseChange(change, row, by);
  if (outcome === 'unchanged') return outcome;
  const { pausedAt = null, pausedReason = null, pausedBy = null, pausedByName = null } = columns;
  const { firings } = firingColumns(row.schedule, isPaused);
  await tx`update organizations set paused_at = ${pausedAt}::timestamptz, paused_reason = ${pausedReason},
      paused_by = ${pausedBy}, paused_by_name = ${pausedByName}, key_refusals = case when ${isPaused} then key_refusals else 0 end,
      ${storedFirings(tx, firings)}, updated_at = now()
    where id = ${organizationId}`;
  return outcome;
}

/** Ends the pause of an organization whose key Cliniko refused; any other pause stays. */
export async function resumeAfterKey(sql: Sql, organizationId: number): Promise<void> {
  await sql.begin(async (tx) => {
    const [row] = await tx<{ schedule: unknown }[]>`
      select schedule from organizations where id = ${organizationId} and paused_by = 'key' for update`;
    if (row === undefined) return;
    const { firings } = firingColumns(row.schedule, false);
    await tx`update organizations set paused_at = null, paused_reason = null, paused_by = null, key_refusals = 0,
        ${storedFirings(tx, firings)}
      where id = ${organizationId}`;
  });
}

interface KeyCheckDeps {
  database: Database;
  sealer: Sealer;
  sourceFor(apiKey: string): PatientSource;
}

/**
 * After a key was stored: a schedule that is paused because of its key continues, unless Cliniko refuses this one too. The key
 * that was refused before has to be accepted: a start stores it again each time, also while Cliniko is away.
 *
 * @param stop ends the question to Cliniko
 */
export async function resumeUnlessRefused(
  { database, sealer, sourceFor }: KeyCheckDeps,
  organizationId: number,
  stop?: AbortSignal,
): Promise<void> {
  const { sql } = database;
  const [paused] = await sql<{ is_new_key: boolean }[]>`
    select key.updated_at > paused_at as is_new_key
    from organizations join cliniko_credentials as key on organization_id = id
    where id = ${organizationId} and paused_by = 'key'`;
  if (paused === undefined) return;
  const { verdict } = await verifyStoredKey(
    () => readApiKey(database, sealer, organizationId),
    sourceFor,
    stop,
  );
  if (stop?.aborted) return;
  if (verdict === 'valid' || (verdict === 'unknown' && paused.is_new_key))
    await resumeAfterKey(sql, organizationId);
}
