/**
 * All organizations, watched. However many frames arrive, the page is drawn at most every `DRAW_EVERY_MS`: figures that
 * change faster cannot be read.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Connection } from '../live/connection.ts';
import type { EverythingState } from '../live/everything-state.ts';
import { type EverythingWatch, watchEverything } from '../live/watch-everything.ts';
import { watchAccess } from '../look/session.ts';
import { moved, noThroughput, type Throughput, withCount } from '../look/throughput.ts';
import { useWake } from '../look/use-wake.ts';
import { happenings, processedBetween, type TailLine, withLines } from './happenings.ts';

export interface WatchedEverything {
  everything: EverythingState;
  connection: Connection;
  /** Newest first. */
  lines: readonly TailLine[];
  throughput: Throughput;
}

interface News {
  everything: EverythingState;
  connection: Connection;
}

const DRAW_EVERY_MS = 100;

export function useEverything(): WatchedEverything {
  const watch = useRef<EverythingWatch | null>(null);
  const [view, setView] = useState<WatchedEverything>(() => ({
    everything: new Map(),
    connection: { kind: 'connecting', since: Date.now() },
    lines: [],
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
      baseUrl: window.location.origin,
      onState: (everything, connection) => {
        newest = { everything, connection };
        timer ??= setTimeout(draw, DRAW_EVERY_MS);
      },
    });
    watch.current = opened;
    const clock = setInterval(() => setView(withNextSecond), 1000);
    return () => {
      opened.stop();
      clearTimeout(timer);
      clearInterval(clock);
    };
  }, []);
  useWake(useCallback(() => watch.current?.wake(), []));
  return view;
}

function withNews(before: WatchedEverything, { everything, connection }: News): WatchedEverything {
  return {
    everything,
    connection,
    lines: withLines(before.lines, happenings(before.everything, everything), Date.now()),
    throughput: withCount(before.throughput, secondNow(), processedBetween(before.everything, everything)),
  };
}

/** Seconds without news count too, but not those of which nothing can be known. */
function withNextSecond(before: WatchedEverything): WatchedEverything {
  if (before.connection.kind === 'offline') return before;
  return { ...before, throughput: moved(before.throughput, secondNow()) };
}

function secondNow(): number {
  return Math.floor(performance.now() / 1000);
}
