/** Shows the runs of one organization, one after the other: a bar that redraws itself on a terminal, plain lines in a pipe. */
import type { SyncLog } from '#contract/sync-log.ts';
import type { ConnectionHandlers } from './connection-monitor.ts';
import { barLine, endLine, plainLine } from './progress-line.ts';
import {
  colourOf,
  columnsOf,
  connectionLines,
  jsonConnectionLines,
  jsonLine,
  paintFor,
  redraws,
  type Screen,
} from './screen.ts';

const CLEAR_LINE = '\r\x1b[2K';

export interface RunDisplay extends ConnectionHandlers {
  show(log: SyncLog): void;
  /** Nothing moves any more. */
  stop(): void;
}

/** Until the run ends. @returns the exit code: 0 completed, 1 failed */
export async function showRun(logs: AsyncIterable<SyncLog>, display: RunDisplay): Promise<number> {
  let last: SyncLog | undefined;
  try {
    for await (const log of logs) {
      display.show(log);
      last = log;
    }
  } finally {
    display.stop();
  }
  return last?.status === 'completed' ? 0 : 1;
}

/** Runs without end: first shows the latest run of the organization. */
export async function showRuns(
  logs: AsyncIterable<SyncLog | null>,
  screen: Screen,
  display: RunDisplay,
): Promise<void> {
  let isFirst = true;
  try {
    for await (const log of logs) {
      if (isFirst && log?.status !== 'running') {
        screen.write(log === null ? 'This organization has never synced.\n' : 'The last sync:\n');
      }
      isFirst = false;
      if (log !== null) display.show(log);
    }
  } finally {
    display.stop();
  }
}

/** One object a line, for programs. */
export function createJsonDisplay(screen: Screen): RunDisplay & { show(log: SyncLog | null): void } {
  return {
    ...jsonConnectionLines(screen),
    show: (log) => screen.write(jsonLine({ type: 'sync_log', log })),
    stop() {},
  };
}

const TICK_MS = 1_000;

/** While the connection is lost nothing is redrawn: what is shown is the state of that moment. */
export function createRunDisplay(screen: Screen): RunDisplay {
  const paint = paintFor(screen);
  const connection = connectionLines(screen);
  let last: SyncLog | undefined;
  let isLost = false;
  let ticking: NodeJS.Timeout | undefined;

  const drawBar = (log: SyncLog): void => {
    screen.write(`${CLEAR_LINE}${barLine(log, { columns: columnsOf(screen), paint, nowMs: Date.now() })}`);
  };
  const stop = (): void => {
    clearInterval(ticking);
    ticking = undefined;
  };
  const tick = (): void => {
    if (!isLost && last?.status === 'running') drawBar(last);
  };
  const showRunning = (log: SyncLog): void => {
    if (redraws(screen)) {
      // A run whose end was not received keeps its line.
      if (last?.status === 'running' && last.id !== log.id) screen.write('\n');
      drawBar(log);
      ticking ??= setInterval(tick, TICK_MS);
    } else if (last === undefined || plainLine(last) !== plainLine(log)) {
      // A pipe is read line by line: only what is new.
      screen.write(`${plainLine(log)}\n`);
    }
  };
  const showEnd = (log: SyncLog): void => {
    stop();
    if (redraws(screen))
      screen.write(`${CLEAR_LINE}${barLine(log, { columns: columnsOf(screen), paint })}\n`);
    screen.write(`${paint(endLine(log), colourOf(log))}\n`);
  };
  return {
    show(log) {
      const isKnown = last?.id === log.id && last.status === log.status;
      if (log.status === 'running') showRunning(log);
      else if (!isKnown) showEnd(log);
      last = log;
    },
    onLost(since) {
      isLost = true;
      connection.onLost(since);
    },
    onBack(lostForMs) {
      isLost = false;
      connection.onBack(lostForMs);
    },
    stop,
  };
}
