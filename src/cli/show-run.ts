/** Shows the runs of one organization, one after the other: a bar that redraws itself on a terminal, plain lines in a pipe. */
import type { SyncLog } from '#contract/sync-log.ts';
import { barLine, endLine, plainLine } from './progress-line.ts';
import { colourOf, jsonLine, paintFor, type Screen } from './screen.ts';

const CLEAR_LINE = '\r\x1b[2K';

/** Until the run ends. @returns the exit code: 0 completed, 1 failed */
export async function showRun(
  logs: AsyncIterable<SyncLog>,
  screen: Screen,
  show = createRunDisplay(screen),
): Promise<number> {
  let last: SyncLog | undefined;
  for await (const log of logs) {
    show(log);
    last = log;
  }
  return last?.status === 'completed' ? 0 : 1;
}

/** Runs without end: first shows the latest run of the organization. */
export async function showRuns(logs: AsyncIterable<SyncLog | null>, screen: Screen): Promise<void> {
  const show = createRunDisplay(screen);
  let isFirst = true;
  for await (const log of logs) {
    if (isFirst && log?.status !== 'running') {
      screen.write(log === null ? 'This organization has never synced.\n' : 'The last sync:\n');
    }
    isFirst = false;
    if (log !== null) show(log);
  }
}

/** One object a line, for programs. */
export function createJsonDisplay(screen: Screen): (log: SyncLog | null) => void {
  return (log) => screen.write(jsonLine({ type: 'sync_log', log }));
}

function createRunDisplay(screen: Screen): (log: SyncLog) => void {
  const paint = paintFor(screen);
  let last: SyncLog | undefined;

  const showRunning = (log: SyncLog): void => {
    if (screen.isTTY) {
      // A run whose end was not received keeps its line.
      if (last?.status === 'running' && last.id !== log.id) screen.write('\n');
      screen.write(`${CLEAR_LINE}${barLine(log, screen.columns ?? 80, paint)}`);
    } else if (last === undefined || plainLine(last) !== plainLine(log)) {
      // A pipe is read line by line: only what is new.
      screen.write(`${plainLine(log)}\n`);
    }
  };
  const showEnd = (log: SyncLog): void => {
    if (screen.isTTY) screen.write(`${CLEAR_LINE}${barLine(log, screen.columns ?? 80, paint)}\n`);
    screen.write(`${paint(endLine(log), colourOf(log))}\n`);
  };
  return (log) => {
    const isKnown = last?.id === log.id && last.status === log.status;
    if (log.status === 'running') showRunning(log);
    else if (!isKnown) showEnd(log);
    last = log;
  };
}
