/** The runs before and after one run of the same organization, and those that tried it again. */
import { useEffect, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, RUNS_AT_ONCE } from '../api.ts';
import { whileCurrent } from '../hooks/while-current.ts';

export interface Neighbours {
  previous: number | null;
  next: number | null;
  /** Runs that tried this one again, the first one first. */
  later: readonly SyncLog[];
}

const NONE: Neighbours = { previous: null, next: null, later: [] };

/** Pages of the history that are read to find the runs after an old one. */
const PAGES_AT_MOST = 10;

/** @param version of the organization's latest run: a new one may be the next, and its end is shown */
export function useNeighbours(api: Api, organizationId: number, runId: number, version: string): Neighbours {
  const [neighbours, setNeighbours] = useState(NONE);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` is not read, it is the reason to read again.
  useEffect(() => {
    const read = Promise.all([
      api.runs(organizationId, { before: runId }),
      newerRuns(api, organizationId, runId),
    ]);
    // The page reports an unreachable server; without neighbours there are no links.
    return whileCurrent(read, ([older, newer]) =>
      setNeighbours({
        previous: older[0]?.id ?? null,
        next: newer.at(-1)?.id ?? null,
        later: laterAttempts(runId, newer),
      }),
    );
  }, [api, organizationId, runId, version]);
  return neighbours;
}

/**
 * The history is read from its newest run on: the API has no way to the next newer one.
 *
 * @returns newest first; none when the run is too old to be found
 */
async function newerRuns(api: Api, organizationId: number, runId: number): Promise<SyncLog[]> {
  const newer: SyncLog[] = [];
  for (let page = 0; page < PAGES_AT_MOST; page += 1) {
    const last = newer.at(-1);
    const runs = await api.runs(organizationId, last === undefined ? {} : { before: last.id });
    const place = runs.findIndex(({ id }) => id === runId);
    if (place >= 0) return [...newer, ...runs.slice(0, place)];
    newer.push(...runs);
    if (runs.length < RUNS_AT_ONCE) return [];
  }
  return [];
}

/** @param newer newest first */
function laterAttempts(runId: number, newer: readonly SyncLog[]): SyncLog[] {
  const attempts: SyncLog[] = [];
  let failed = runId;
  for (const run of newer.toReversed()) {
    if (run.metadata.retry_of !== failed) continue;
    attempts.push(run);
    failed = run.id;
  }
  return attempts;
}
