/** Shows a run until it ends. @returns the exit code: 0 completed, 1 failed */
import type { SyncLog } from '../contract/sync-log.ts';
import { barLine, endLine, plainLine } from './progress-line.ts';

const CLEAR_LINE = '\r\x1b[2K';

export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export async function showRun(logs: AsyncIterable<SyncLog>, screen: Screen): Promise<number> {
  let last: SyncLog | undefined;
  for await (const log of logs) {
    if (log.status === 'running') show(log, last, screen);
    last = log;
  }
  if (screen.isTTY && last !== undefined)
    screen.write(`${CLEAR_LINE}${barLine(last, screen.columns ?? 80)}\n`);
  if (last !== undefined) screen.write(`${endLine(last)}\n`);
  return last?.status === 'completed' ? 0 : 1;
}

function show(log: SyncLog, last: SyncLog | undefined, screen: Screen): void {
  if (screen.isTTY) screen.write(`${CLEAR_LINE}${barLine(log, screen.columns ?? 80)}`);
  // A pipe is read line by line: only what is new.
  else if (last === undefined || plainLine(last) !== plainLine(log)) screen.write(`${plainLine(log)}\n`);
}
