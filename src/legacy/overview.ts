/**
 * The figures of one organization in which most old answers agree: patients stored, the newest runs, its key.
 *
 * Everything here is read from the tables; an organization that is not registered has zeros.
 */

import { successRate } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { findOrganization, type OwnOrganization } from '../organizations/organizations.ts';
import { countPatients, type PatientCounts } from '../patients/summary.ts';
import { readRecentRuns } from './read-runs.ts';

export interface Overview {
  organization: OwnOrganization | undefined;
  counts: PatientCounts;
  /** Newest first. */
  logs: SyncLog[];
  latest: SyncLog | undefined;
  latestCompleted: SyncLog | undefined;
  /** What Cliniko named in the newest run that knew it; at least what is stored. */
  totalInCliniko: number;
  /** 0 to 100, one decimal: stored of what Cliniko has. */
  syncPercentage: number;
}

/** @param recentLogs how many logs to read, 1 to 100 */
export async function readOverview(
  database: Database,
  organizationId: number,
  recentLogs: number,
): Promise<Overview> {
  const [organization, counts, runs] = await Promise.all([
    findOrganization(database, organizationId),
    countPatients(database.sql, organizationId),
    readRecentRuns(database.sql, organizationId, recentLogs),
  ]);
  const found = runs.logs.map(({ metadata }) => metadata.patients_found ?? 0).find((count) => count > 0) ?? 0;
  const totalInCliniko = Math.max(found, counts.total);
  return {
    organization,
    counts,
    ...runs,
    latest: runs.logs[0],
    totalInCliniko,
    syncPercentage: totalInCliniko === 0 ? 0 : successRate(counts.total, totalInCliniko),
  };
}

/** False while the newest run failed because Cliniko refused the key, and without a key. */
export function credentialsValid({ organization, latest }: Overview): boolean {
  if (organization?.has_credentials !== true) return false;
  const refused = latest?.metadata.error_type;
  return refused !== 'CLINIKO_AUTH_FAILED' && refused !== 'CLINIKO_FORBIDDEN';
}

export const lastSyncTime = ({ latestCompleted }: Overview): string | null =>
  latestCompleted?.completed_at ?? null;
