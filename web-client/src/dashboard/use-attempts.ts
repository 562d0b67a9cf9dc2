/** The failed runs that a run tries again: the record says why there are several. */
import { useEffect, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Api } from '../api.ts';
import { whileCurrent } from '../hooks/while-current.ts';

/** After 5, 15 and 60 minutes: the server tries no run more often. */
const ATTEMPTS_AT_MOST = 4;

/** @returns the last one first; none while they have not been read */
export function useAttempts(api: Api, log: SyncLog | null): readonly SyncLog[] {
  const [attempts, setAttempts] = useState<readonly SyncLog[]>([]);
  const organizationId = log?.organization_id;
  const first = log?.metadata.retry_of;
  useEffect(() => {
    setAttempts([]);
    if (organizationId === undefined || first === undefined) return;
    // The links to other runs are an addition: the page reports an unreachable server.
    return whileCurrent(readAttempts(api, organizationId, first), setAttempts);
  }, [api, organizationId, first]);
  return attempts;
}

async function readAttempts(api: Api, organizationId: number, first: number): Promise<SyncLog[]> {
  const attempts: SyncLog[] = [];
  for (let id: number | undefined = first; id !== undefined && attempts.length < ATTEMPTS_AT_MOST; ) {
    const attempt: SyncLog = await api.run(organizationId, id);
    attempts.push(attempt);
    id = attempt.metadata.retry_of;
  }
  return attempts;
}
