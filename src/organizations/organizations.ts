/** Organizations: their settings, and the API keys that fetch their patients. */
import { eq, sql as expression } from 'drizzle-orm';
import type { ISql } from 'postgres';
import {
  DEFAULT_SETTINGS,
  type Organization,
  type OrganizationChange,
  type OrganizationList,
  type OrganizationSettings,
  type Schedules,
} from '#contract/organization.ts';
import type { Database } from '../database/open.ts';
import type { SealedColumn } from '../encryption/rotate-keys.ts';
import { SealError, type Sealer } from '../encryption/sealer.ts';
import { databaseError } from '../logging/safe-error.ts';
import { OrganizationDeletedError, REGISTRATION_LOCK } from './organization-lock.ts';
import { type PauseChange, pauseChange } from './pause-change.ts';
import {
  earliestDue,
  longestIntervalS,
  planFirings,
  type ReadSchedules,
  readSchedules,
} from './planned-firings.ts';
import { credentialsTable, organizationTable } from './table.ts';

/** Without the pause of everything, which belongs to no organization. */
export type OwnOrganization = Omit<Organization, 'everything_paused'>;

/** @returns undefined when the organization is not registered */
export async function findOrganization({ orm }: Database, id: number): Promise<OwnOrganization | undefined> {
  const [row] = await orm
    .select()
    .from(organizationTable)
    .leftJoin(credentialsTable, eq(credentialsTable.organizationId, organizationTable.id))
    .where(eq(organizationTable.id, id));
  if (row === undefined) return undefined;
  const {
    name,
    country,
    timeZone,
    schedule,
    nextSyncAt,
    validation,
    pausedAt,
    pausedReason,
    pausedBy,
    pausedByName,
  } = row.organizations;
  const read = readSchedules(schedule);
  const error = schedule === null ? null : read.error;
  return {
    organization_id: id,
    name,
    country,
    time_zone: timeZone,
    schedule: error === null ? schedule : readableOf(schedule, read),
    validation,
    paused: pausedAt !== null,
    paused_reason: pausedReason,
    has_credentials: row.cliniko_credentials !== null,
    next_sync_at: isoTime(nextSyncAt),
    paused_at: isoTime(pausedAt),
    paused_by: pausedBy === 'person' ? pausedByName : null,
    schedule_error: error,
  };
}

/** Of a list, the schedules that fire; null when the only one does not. */
function readableOf(stored: unknown, { schedules }: ReadSchedules): Schedules | null {
  return Array.isArray(stored) ? schedules.filter((one) => one !== null) : null;
}

/** Another program can store `infinity`, which is not a valid time. */
function isoTime(stored: string | null): string | null {
  const time = stored === null ? Number.NaN : Date.parse(stored);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

/** For lists of names; the other settings are read one organization at a time. */
export async function listOrganizations({ orm }: Database): Promise<OrganizationList> {
  const organizations = await orm
    .select({ organization_id: organizationTable.id, name: organizationTable.name })
    .from(organizationTable)
    .orderBy(organizationTable.id);
  return { organizations };
}

/**
 * Registers an organization, or updates only the settings that `change` contains.
 *
 * @param by the name of the account, shown with a pause; null: it has none
 * @returns whether it was paused or resumed
 * @throws ProblemError INVALID_PARAMETER: a reason without a pause
 */
export async function saveOrganization(
  { orm }: Database,
  id: number,
  change: OrganizationChange,
  by: string | null = null,
): Promise<PauseChange['outcome']> {
  return await orm.transaction(async (tx) => {
    await tx.execute(expression`select pg_advisory_xact_lock(${REGISTRATION_LOCK}, ${id})`);
    // Two simultaneous changes must not overwrite each other, so the second waits for this row. One statement, so that a
    // deletion comes before or after it: an existing row is written unchanged, to lock it.
    const [row] = await tx
      .insert(organizationTable)
      .values({ id, ...toColumns(DEFAULT_SETTINGS) })
      .onConflictDoUpdate({
        target: organizationTable.id,
        set: { updatedAt: expression`organizations.updated_at` },
      })
      .returning();
    if (row === undefined) throw new Error(`Organization ${id} was neither inserted nor found.`);
    const settings = {
      // null removes the name.
      name: change.name === undefined ? row.name : change.name,
      country: change.country ?? row.country,
      time_zone: change.time_zone ?? row.timeZone,
      // null removes the schedule.
      schedule: change.schedule === undefined ? row.schedule : change.schedule,
      validation: {
        phone: change.validation?.phone ?? row.validation.phone,
        email: change.validation?.email ?? row.validation.email,
      },
    };
    const { isPaused, columns, outcome } = pauseChange(change, row, by);
    const replan = change.schedule !== undefined || outcome !== 'unchanged';
    await tx
      .update(organizationTable)
      .set({
        ...toColumns(settings),
        ...columns,
        ...(replan && firingColumns(settings.schedule, isPaused)),
        ...(change.schedule !== undefined && scheduleColumns(change.schedule)),
        updatedAt: expression`now()`,
      })
      .where(eq(organizationTable.id, id));
    return outcome;
  });
}

type StoredSettings = Omit<OrganizationSettings, 'paused' | 'paused_reason'>;

function toColumns({ name, country, time_zone, schedule, validation }: StoredSettings) {
  return { name, country, timeZone: time_zone, schedule, validation };
}

/** A paused organization has no next firing. What would have fired while it was paused is not made up for. */
export function firingColumns(schedule: unknown, isPaused: boolean) {
  if (schedule === null || isPaused) return { firings: null, nextSyncAt: null };
  const firings = planFirings(readSchedules(schedule), new Date());
  return { firings, nextSyncAt: earliestDue(firings)?.toISOString() ?? null };
}

/** What belongs to the schedule before is forgotten with it. */
function scheduleColumns(schedule: Schedules | null) {
  const now = new Date();
  return {
    longestIntervalS: schedule && longestIntervalS(readSchedules(schedule), now),
    scheduledSince: schedule && now.toISOString(),
    missedAt: null,
    ...NO_SECOND_ATTEMPT,
  };
}

const NO_SECOND_ATTEMPT = { retryAt: null, retryOf: null, retryType: null, retryAttempt: 0 };

const FOREIGN_KEY_VIOLATION = '23503';

const keyContext = (id: number) => `cliniko-api-key:${id}`;

export const SEALED_API_KEYS: SealedColumn = {
  table: 'cliniko_credentials',
  column: 'sealed_api_key',
  contextColumns: ['organization_id'],
  contextOf: (row) => keyContext(Number(row.organization_id)),
};

/**
 * An unchanged key is not written again: `updated_at` shows when a different key was stored.
 *
 * @throws OrganizationDeletedError when the organization is not registered
 */
export async function saveApiKey(
  database: Database,
  sealer: Sealer,
  id: number,
  apiKey: string,
): Promise<void> {
  const known = await readApiKey(database, sealer, id).catch((error: unknown) => {
    // A key that cannot be opened is replaced like any other.
    if (error instanceof SealError) return undefined;
    throw error;
  });
  if (known === apiKey) return;
  const sealedApiKey = sealer.seal(apiKey, keyContext(id));
  await database.orm
    .insert(credentialsTable)
    .values({ organizationId: id, sealedApiKey })
    .onConflictDoUpdate({
      target: credentialsTable.organizationId,
      set: { sealedApiKey, accountHost: null, updatedAt: expression`now()` },
    })
    .catch((error: unknown) => {
      if (databaseError(error)?.code === FOREIGN_KEY_VIOLATION) throw new OrganizationDeletedError(id);
      throw error;
    });
}

/**
 * @returns undefined when there is no key
 * @throws SealError when it was sealed with another `CREDENTIALS_KEY`
 */
export async function readApiKey({ orm }: Database, sealer: Sealer, id: number): Promise<string | undefined> {
  const [row] = await orm.select().from(credentialsTable).where(eq(credentialsTable.organizationId, id));
  return row && sealer.open(row.sealedApiKey, keyContext(id));
}

/** Distinguishes a stored key from earlier ones, without the key. On a row `credentials`. */
export const keyVersion = (sql: ISql) => sql`extract(epoch from credentials.updated_at)::text`;

/** @returns undefined when there is none */
export async function readKeyVersion(sql: ISql, id: number): Promise<string | undefined> {
  const [row] = await sql<{ version: string }[]>`
    select ${keyVersion(sql)} as version from cliniko_credentials as credentials where organization_id = ${id}`;
  return row?.version;
}
