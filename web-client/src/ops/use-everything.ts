/**
 * Watches all organizations. The page renders at most every `DRAW_EVERY_MS`, however many frames arrive: figures that
 * change faster cannot be read.
 */
import { useEffect, useState } from 'react';
import type { Api } from '../api.ts';
import { watchAccess } from '../auth/session.ts';
import { BASE_PATH } from '../base-path.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { type Connection, isConnected } from '../live/connection.ts';
import type { EverythingState } from '../live/everything-state.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { watchEverything } from '../live/watch-everything.ts';
import { serverNow } from '../server-time.ts';
import { moved, noThroughput, secondNow, type Throughput, withCount } from '../ui/throughput.ts';
import {
  type ActivityLine,
  activityBetween,
  linesOfRuns,
  processedBetween,
  withLines,
  withRecent,
} from './activity.ts';

export interface WatchedEverything {
  everything: EverythingState;
  connection: Connection;
  /** Newest first. */
  lines: readonly ActivityLine[];
  /** Whether the events before the page was opened are in `lines`. */
  earlier: EarlierEvents;
  throughput: Throughput;
}

export type EarlierEvents = 'loading' | 'loaded' | 'failed';

interface News {
  everything: EverythingState;
  connection: Connection;
}

const DRAW_EVERY_MS = 100;

/** How far back the events go that the page shows at its start. */
const HOURS_BACK = 12;

export function useEverything(api: Api): WatchedEverything {
  const [view, setView] = useState<WatchedEverything>(() => ({
    everything: new Map(),
    connection: { kind: 'connecting', since: Date.now() },
    lines: [],
    earlier: 'loading',
    throughput: noThroughput(secondNow()),
  }));

  useEffect(() => {
    let newest: News | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = (): void => {
      timer = undefined;
      const news = newest;
      if (news !== undefined) setView((before) => withNews(before, news));
    };
    const opened = watchEverything({
      ...watchAccess(),
      baseUrl: `${window.location.origin}${BASE_PATH}`,
      onState: (everything, connection) => {
        newest = { everything, connection };
        timer ??= setTimeout(draw, DRAW_EVERY_MS);
      },
    });
    const stopWaking = reconnectOnVisible(opened);
    const clock = setInterval(() => setView(withNextSecond), 1000);
    return () => {
      stopWaking();
      opened.stop();
      clearTimeout(timer);
      clearInterval(clock);
    };
  }, []);
  useEffect(
    () =>
      whileCurrent(
        readRecent(api),
        (recent) =>
          setView((before) => ({ ...before, lines: withRecent(before.lines, recent), earlier: 'loaded' })),
        // Then the list begins with what the stream tells.
        () => setView((before) => ({ ...before, earlier: 'failed' })),
      ),
    [api],
  );
  return view;
}

/** The failed runs are read apart: thousands that completed would push them out of the list. */
async function readRecent(api: Api) {
  const since = new Date(serverNow() - HOURS_BACK * 3_600_000).toISOString();
  const [failed, all] = await Promise.all([api.recentRuns(since, 'failed'), api.recentRuns(since)]);
  return linesOfRuns([...failed, ...all]);
}

function withNews(before: WatchedEverything, { everything, connection }: News): WatchedEverything {
  return {
    ...before,
    everything,
    connection,
    lines: withLines(before.lines, activityBetween(before.everything, everything), serverNow()),
    throughput: throughputAfter(before, everything),
  };
}

/** What arrives after a lost connection was processed at unknown times, so the measurement starts again. */
function throughputAfter(before: WatchedEverything, everything: EverythingState): Throughput {
  const { connection, throughput } = before;
  if (!isConnected(connection) || connection.isCatchingUp === true) return noThroughput(secondNow());
  return withCount(throughput, secondNow(), processedBetween(before.everything, everything));
}

/** Seconds without events count, unless the connection is lost. */
function withNextSecond(before: WatchedEverything): WatchedEverything {
  if (!isConnected(before.connection)) return before;
  return { ...before, throughput: moved(before.throughput, secondNow()) };
}
