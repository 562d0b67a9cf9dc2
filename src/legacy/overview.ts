/**
 * The figures of one organization in which most old answers agree: patients stored, the newest runs, its key.
 *
 * Everything here is read from the tables; an organization that is not registered has zeros.
 */

import type { Sql } from 'postgres';
import { successRate } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { isoTime } from '../database/iso-time.ts';
import type { Database } from '../database/open.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { countPatients, type PatientCounts } from '../patients/summary.ts';
import { readCountInCliniko, readRecentRuns } from './read-runs.ts';

export interface Overview {
  isRegistered: boolean;
  hasCredentials: boolean;
  /** ISO 8601 UTC; null without a key. */
  keyStoredAt: string | null;
  counts: PatientCounts;
  /** Newest first. */
  logs: SyncLog[];
  latest: SyncLog | undefined;
  latestCompleted: SyncLog | undefined;
  /** At least what is stored. */
  totalInCliniko: number;
  /** 0 to 100, one decimal: stored of what Cliniko has. */
  syncPercentage: number;
  /** Panels show such a percentage as complete. */
  isHighPercentage: boolean;
}

const HIGH_PERCENTAGE = 95;

/** @param recentLogs how many logs to read, 1 to 100 */
export async function readOverview(
  database: Database,
  organizationId: number,
  recentLogs: number,
): Promise<Overview> {
  const [organization, keyStoredAt, counts, inCliniko, runs] = await Promise.all([
    findOrganization(database, organizationId),
    readKeyTime(database.sql, organizationId),
    countPatients(database.sql, organizationId),
    readCountInCliniko(database.sql, organizationId),
    readRecentRuns(database.sql, organizationId, recentLogs),
  ]);
  const totalInCliniko = Math.max(inCliniko, counts.total);
  const syncPercentage = totalInCliniko === 0 ? 0 : successRate(counts.total, totalInCliniko);
  return {
    isRegistered: organization !== undefined,
    hasCredentials: keyStoredAt !== null,
    keyStoredAt,
    counts,
    ...runs,
    latest: runs.logs[0],
    totalInCliniko,
    syncPercentage,
    isHighPercentage: syncPercentage >= HIGH_PERCENTAGE,
  };
}

/** An unchanged key keeps its time. */
async function readKeyTime(sql: Sql, organizationId: number): Promise<string | null> {
  const [key] = await sql<{ at: string }[]>`
    select ${isoTime(sql, 'updated_at')} as at from cliniko_credentials where organization_id = ${organizationId}`;
  return key?.at ?? null;
}

/** False without a key, and while the newest run failed because Cliniko refused the key that is still stored. */
export function credentialsValid({ keyStoredAt, latest }: Overview): boolean {
  if (keyStoredAt === null) return false;
  const refused = latest?.metadata.error_type;
  const wasRefused = refused === 'CLINIKO_AUTH_FAILED' || refused === 'CLINIKO_FORBIDDEN';
  return !wasRefused || latest === undefined || keyStoredAt > latest.started_at;
}

export const lastSyncTime = ({ latestCompleted }: Overview): string | null =>
  latestCompleted?.completed_at ?? null;
