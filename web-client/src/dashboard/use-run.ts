/**
 * One run and its timeline, read once, and again when it has ended. Between the two reads the stream updates them.
 */
import { useEffect, useReducer, useRef, useState } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, ApiError, messageOf } from '../api.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { serverNow } from '../server-time.ts';
import { isLater, momentsOf, type PlaybackMoment, withLatest } from './playback.ts';

interface WatchedRun {
  /** Null until it has been read. */
  log: SyncLog | null;
  moments: readonly PlaybackMoment[];
  /** Retention has removed the beginning. */
  isTrimmed: boolean;
  error: string | null;
}

export interface RunReads extends WatchedRun {
  readAgain(): void;
}

const NOTHING_YET: WatchedRun = { log: null, moments: [], isTrimmed: false, error: null };

/** @param latest run of the organization on the stream, maybe another one */
export function useRun(api: Api, organizationId: number, runId: number, latest: SyncLog | null): RunReads {
  const [run, setRun] = useState(NOTHING_YET);
  const [asked, readAgain] = useReducer((times: number) => times + 1, 0);
  const live = latest?.id === runId ? latest : null;
  const newest = useRef(live);
  newest.current = live;
  const hasEnded = live !== null && live.status !== 'running';

  // biome-ignore lint/correctness/useExhaustiveDependencies: `hasEnded` and `asked` are not read, they are reasons to read again.
  useEffect(() => {
    return whileCurrent(
      Promise.all([api.run(organizationId, runId), api.timeline(organizationId, runId)]),
      ([log, { events, trimmed }]) => {
        const read = { log, moments: momentsOf(events), isTrimmed: trimmed, error: null };
        // Events that arrived during this request may not be sent again.
        setRun(withLaterState(read, newest.current));
      },
      (error) => setRun((before) => ({ ...before, error: runErrorText(error) })),
    );
  }, [api, organizationId, runId, hasEnded, asked]);

  useEffect(() => {
    if (live === null) return;
    setRun((before) => withLaterState(before, live));
  }, [live]);
  return { ...run, readAgain };
}

/** Keeps the newer one: the stream and the timeline request may overtake each other. */
function withLaterState(run: WatchedRun, live: SyncLog | null): WatchedRun {
  if (live === null || run.log === null || !isLater(live, run.moments)) return run;
  return { ...run, log: live, moments: withLatest(run.moments, live, serverNow()) };
}

/** Another attempt gives the same answer. */
export const UNKNOWN_RUN =
  'This run does not exist. The history on the page of the organization lists all runs.';

/** The server's text for an unknown run is meant for programs. */
function runErrorText(error: unknown): string {
  if (!(error instanceof ApiError) || error.status !== 404) return messageOf(error);
  return UNKNOWN_RUN;
}
