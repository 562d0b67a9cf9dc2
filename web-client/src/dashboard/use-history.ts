/** The runs of an organization, newest first, filtered and read page by page. The active run is live here too. */
import { useCallback, useEffect, useMemo, useReducer, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, messageOf, RUNS_AT_ONCE, type RunFilter } from '../api.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { versionOf } from './use-records.ts';

export type HistoryFilter = Pick<RunFilter, 'status' | 'operationType'>;

export interface History {
  /** Null until they have been read. */
  runs: readonly SyncLog[] | null;
  hasOlder: boolean;
  isReadingOlder: boolean;
  error: string | null;
  readOlder(): void;
  readAgain(): void;
}

interface Read {
  /** The filter of the runs. */
  filter: HistoryFilter | null;
  runs: SyncLog[] | null;
  hasOlder: boolean;
  isReadingOlder: boolean;
  error: string | null;
}

const NOTHING_YET: Read = {
  filter: null,
  runs: null,
  hasOlder: false,
  isReadingOlder: false,
  error: null,
};

/** What a reader wants to see. */
export interface HistoryView {
  filter: HistoryFilter;
  /** How many runs, if there are as many. */
  shown: number;
}

/** @param latest the run that is shown live */
export function useHistory(
  api: Api,
  organizationId: number,
  { filter, shown }: HistoryView,
  latest: SyncLog | null,
): History {
  const [read, setRead] = useState(NOTHING_YET);
  const [asked, readAgain] = useReducer((times: number) => times + 1, 0);
  const version = `${asked} ${versionOf(latest)}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` is not read, it is the reason to read again.
  useEffect(() => {
    return whileCurrent(
      api.runs(organizationId, filter),
      (runs) => setRead((before) => withNewest(before, filter, runs)),
      (error) => setRead((before) => withError(before, filter, messageOf(error))),
    );
  }, [api, organizationId, filter, version]);

  const oldest = read.runs?.at(-1)?.id;
  const readOlder = useCallback((): void => {
    if (oldest === undefined) return;
    setRead((before) => ({ ...before, isReadingOlder: true, error: null }));
    api.runs(organizationId, { ...filter, before: oldest }).then(
      (older) => setRead((before) => (isOf(before, filter, oldest) ? withOlder(before, older) : before)),
      (error: unknown) =>
        setRead((before) =>
          isOf(before, filter, oldest)
            ? { ...before, isReadingOlder: false, error: messageOf(error) }
            : before,
        ),
    );
  }, [api, organizationId, filter, oldest]);

  const { hasOlder, isReadingOlder, error } = read;
  const isShort = hasOlder && (read.runs?.length ?? 0) < shown;
  useEffect(() => {
    if (isShort && !isReadingOlder && error === null) readOlder();
  }, [isShort, isReadingOlder, error, readOlder]);

  const runs = useMemo(
    () => (read.runs === null ? null : withLatest(read.runs, latest, filter)),
    [read.runs, latest, filter],
  );
  return { runs, hasOlder, isReadingOlder, error, readOlder, readAgain };
}

/** Keeps the older runs that were read before: a run that begins or ends must not take them from the page. */
function withNewest(before: Read, filter: HistoryFilter, runs: SyncLog[]): Read {
  const isPage = runs.length === RUNS_AT_ONCE;
  const known = before.filter === filter && isPage ? (before.runs ?? []) : [];
  const place = known.findIndex(({ id }) => id === runs.at(-1)?.id);
  if (place < 0) return { ...NOTHING_YET, filter, runs, hasOlder: isPage };
  return { ...before, runs: [...runs, ...known.slice(place + 1)], error: null };
}

function withError(before: Read, filter: HistoryFilter, error: string): Read {
  if (before.filter === filter) return { ...before, error };
  return { ...NOTHING_YET, filter, runs: [], error };
}

/** Whether older runs follow these. Another filter may show the same ones first, and other ones then. */
function isOf({ filter, runs }: Read, wanted: HistoryFilter, oldest: number): boolean {
  return filter === wanted && runs?.at(-1)?.id === oldest;
}

function withOlder(before: Read, older: SyncLog[]): Read {
  return {
    ...before,
    runs: [...(before.runs ?? []), ...older],
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
