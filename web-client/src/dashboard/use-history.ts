/** The runs of an organization, newest first, filtered and read page by page. The active run is live here too. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, messageOf, RUNS_AT_ONCE, type RunFilter } from '../api.ts';
import { versionOf } from './use-records.ts';

export type HistoryFilter = Pick<RunFilter, 'status' | 'operationType'>;

export interface History {
  /** Null until they have been read. */
  runs: readonly SyncLog[] | null;
  hasOlder: boolean;
  isReadingOlder: boolean;
  error: string | null;
  readOlder(): void;
}

interface Read {
  runs: SyncLog[] | null;
  hasOlder: boolean;
  isReadingOlder: boolean;
  error: string | null;
}

const NOTHING_YET: Read = { runs: null, hasOlder: false, isReadingOlder: false, error: null };

/** @param latest the run that is shown live */
export function useHistory(
  api: Api,
  organizationId: number,
  filter: HistoryFilter,
  latest: SyncLog | null,
): History {
  const [read, setRead] = useState(NOTHING_YET);
  const version = versionOf(latest);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` is not read, it is the reason to read again.
  useEffect(() => {
    let isCurrent = true;
    api
      .runs(organizationId, filter)
      .then((runs): Read => ({ ...NOTHING_YET, runs, hasOlder: runs.length === RUNS_AT_ONCE }))
      .catch((error: unknown): Read => ({ ...NOTHING_YET, runs: [], error: messageOf(error) }))
      .then((next) => isCurrent && setRead(next));
    return () => {
      isCurrent = false;
    };
  }, [api, organizationId, filter, version]);

  const oldest = read.runs?.at(-1)?.id;
  const readOlder = useCallback((): void => {
    if (oldest === undefined) return;
    setRead((before) => ({ ...before, isReadingOlder: true, error: null }));
    api.runs(organizationId, { ...filter, before: oldest }).then(
      (older) => setRead((before) => withOlder(before, oldest, older)),
      (error: unknown) =>
        setRead((before) => ({ ...before, isReadingOlder: false, error: messageOf(error) })),
    );
  }, [api, organizationId, filter, oldest]);

  const runs = useMemo(
    () => (read.runs === null ? null : withLatest(read.runs, latest, filter)),
    [read.runs, latest, filter],
  );
  return { ...read, runs, readOlder };
}

/** Ignores an answer that belongs to an earlier list. */
function withOlder(before: Read, oldest: number, older: SyncLog[]): Read {
  if (before.runs?.at(-1)?.id !== oldest) return { ...before, isReadingOlder: false };
  return {
    runs: [...before.runs, ...older],
    hasOlder: older.length === RUNS_AT_ONCE,
    isReadingOlder: false,
    error: null,
  };
}

function withLatest(runs: SyncLog[], latest: SyncLog | null, filter: HistoryFilter): SyncLog[] {
  if (latest === null) return runs;
  const others = runs.filter((run) => run.id !== latest.id);
  if (others.length < runs.length) {
    const isStill = fits(latest, filter);
    return isStill ? runs.map((run) => (run.id === latest.id ? latest : run)) : others;
  }
  return fits(latest, filter) ? [latest, ...runs] : runs;
}

function fits(run: SyncLog, { status, operationType }: HistoryFilter): boolean {
  if (status !== undefined && run.status !== status) return false;
  return operationType === undefined || run.operation_type === operationType;
}
