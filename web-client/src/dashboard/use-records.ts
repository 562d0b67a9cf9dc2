/**
 * The dashboard's data besides the live run. Read again when a run begins, at each fifth of it, at its end, and on
 * request.
 */
import { useEffect, useReducer, useState } from 'react';
import type { Analytics } from '#contract/analytics.ts';
import type { PatientSummary } from '#contract/patients.ts';
import type { PatientsToCheck } from '#contract/patients-to-check.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, messageOf } from '../api.ts';
import { useReadAgainWhenBack } from '../hooks/use-read-again-when-back.ts';

/** Each is null until it has been read. */
export interface Records {
  summary: PatientSummary | null;
  toCheck: PatientsToCheck['groups'] | null;
  /** Why the patients to check could not be read: whether some are held is not known then. */
  toCheckError: string | null;
  analytics: Analytics | null;
  /** Why the last read failed; earlier data stays. */
  error: string | null;
  readAgain(): void;
}

type Read = Omit<Records, 'readAgain'>;

const NOTHING_YET: Read = {
  summary: null,
  toCheck: null,
  toCheckError: null,
  analytics: null,
  error: null,
};

/**
 * @param latest the run that is shown live
 * @param isConnected an error of the time without a connection goes when it is back
 */
export function useRecords(
  api: Api,
  organizationId: number,
  latest: SyncLog | null,
  isConnected: boolean,
): Records {
  const [records, setRecords] = useState(NOTHING_YET);
  const [asked, readAgain] = useReducer((times: number) => times + 1, 0);
  const version = `${asked} ${versionOf(latest)} ${fifthOf(latest)}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` is not read, it is the reason to read again.
  useEffect(() => {
    let isCurrent = true;
    const keep = (part: Partial<Read>): void => {
      if (isCurrent) setRecords((before) => ({ ...before, ...part }));
    };
    Promise.all([
      api.summary(organizationId).then((summary) => keep({ summary })),
      api.patientsToCheck(organizationId).then(
        ({ groups }) => keep({ toCheck: groups, toCheckError: null }),
        (error: unknown) => {
          keep({ toCheckError: messageOf(error) });
          throw error;
        },
      ),
      api.analytics(organizationId).then((analytics) => keep({ analytics })),
    ])
      .then(() => keep({ error: null }))
      .catch((error: unknown) => keep({ error: messageOf(error) }));
    return () => {
      isCurrent = false;
    };
  }, [api, organizationId, version]);
  useReadAgainWhenBack(isConnected, records.error, readAgain);
  return { ...records, readAgain };
}

/** Changes when a run begins or ends, and not with each of its steps. */
export function versionOf(latest: SyncLog | null): string {
  return latest === null ? 'none' : `${latest.id} ${latest.status === 'running'}`;
}

/** Without it the totals of a first sync would stay at 0 until its end. */
function fifthOf(latest: SyncLog | null): number {
  return latest?.status === 'running' ? Math.floor((latest.metadata.progress_percent ?? 0) / 20) : 0;
}
