/** What the dashboard shows besides the live run, read anew whenever a run has begun or ended. */
import { useEffect, useState } from 'react';
import type { Organization } from '../../../src/contract/organization.ts';
import type { PatientSummary, QuarantineList } from '../../../src/contract/patients.ts';
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import { type Api, ApiError } from '../api.ts';

/** Each is null until it has been read. */
export interface Records {
  summary: PatientSummary | null;
  runs: SyncLog[] | null;
  quarantine: QuarantineList | null;
  /** Why the newest reading failed; what was read before stays. */
  trouble: string | null;
}

const NOTHING_YET: Records = { summary: null, runs: null, quarantine: null, trouble: null };

/** @param latest the run that is shown live */
export function useRecords(api: Api, organizationId: number, latest: SyncLog | null): Records {
  const [records, setRecords] = useState(NOTHING_YET);
  const version = latest === null ? 'none' : `${latest.id} ${latest.status === 'running'}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` is not read, it is the reason to read again.
  useEffect(() => {
    let isCurrent = true;
    const keep = (part: Partial<Records>): void => {
      if (isCurrent) setRecords((before) => ({ ...before, ...part }));
    };
    Promise.all([
      api.summary(organizationId).then((summary) => keep({ summary })),
      api.runs(organizationId).then((runs) => keep({ runs })),
      api.quarantine(organizationId).then((quarantine) => keep({ quarantine })),
    ])
      .then(() => keep({ trouble: null }))
      .catch((error: unknown) => keep({ trouble: messageOf(error) }));
    return () => {
      isCurrent = false;
    };
  }, [api, organizationId, version]);
  return records;
}

export type Registration =
  | { kind: 'unknown' }
  | { kind: 'registered'; organization: Organization }
  | { kind: 'not-registered' };

/** Its name and whether it exists. An organization without a registration may still have runs of other programs. */
export function useRegistration(api: Api, organizationId: number): Registration {
  const [registration, setRegistration] = useState<Registration>({ kind: 'unknown' });
  useEffect(() => {
    let isCurrent = true;
    api
      .organization(organizationId)
      .then((organization): Registration => ({ kind: 'registered', organization }))
      .catch((error: unknown): Registration => {
        const isMissing = error instanceof ApiError && error.code === 'ORGANIZATION_NOT_FOUND';
        return { kind: isMissing ? 'not-registered' : 'unknown' };
      })
      .then((known) => isCurrent && setRegistration(known));
    return () => {
      isCurrent = false;
    };
  }, [api, organizationId]);
  return registration;
}

export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  throw error;
}
