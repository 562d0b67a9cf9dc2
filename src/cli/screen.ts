/** Output to a terminal or a pipe. Only terminals get colours, and users can turn them off. */
import { formatDuration } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { terminalText } from '../logging/terminal-text.ts';
import type { ConnectionHandlers } from './connection-monitor.ts';

export interface Screen {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  /** Node's own: false for pipes, and where `NO_COLOR` is set. */
  hasColors?(): boolean;
  write(text: string): unknown;
}

/** Some terminals report no width, or 0. */
const USUAL_COLUMNS = 80;

export function columnsOf({ columns }: Screen): number {
  return columns || USUAL_COLUMNS;
}

/** Lines can be drawn again in their place; a terminal such as the shell of Emacs would show the codes for it. */
export const redraws = ({ isTTY }: Screen): boolean => isTTY === true && process.env.TERM !== 'dumb';

export type Paint = (text: string, colour: Colour) => string;

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, grey: 90 };
export type Colour = keyof typeof CODES;

export function paintFor(screen: Screen): Paint {
  if (screen.isTTY !== true || screen.hasColors?.() !== true) return (text) => text;
  return (text, colour) => (text === '' ? '' : `\x1b[${CODES[colour]}m${text}\x1b[39m`);
}

export function colourOf(log: SyncLog): Colour {
  if (log.status === 'completed') return log.records_failed > 0 ? 'yellow' : 'green';
  if (log.status === 'failed') return 'red';
  const { phase } = log.metadata;
  return phase === 'waiting' || phase === 'queued' ? 'yellow' : 'cyan';
}

export function connectionLost(since: Date): string {
  return `connection lost since ${since.toTimeString().slice(0, 8)}, trying again`;
}

/** The state of the connection, in lines of their own. */
export function connectionLines(screen: Screen): ConnectionHandlers {
  const paint = paintFor(screen);
  // A bar is redrawn in its line and leaves the cursor there.
  const start = redraws(screen) ? '\n' : '';
  return {
    onLost: (since) => screen.write(`${start}${paint(`Server: ${connectionLost(since)}`, 'yellow')}\n`),
    onBack: (lostForMs) => screen.write(`Server: connected again after ${formatDuration(lostForMs)}\n`),
  };
}

/** `--json`: one object a line, safe to show on a terminal. */
export function jsonLine(value: object): string {
  return `${terminalText(JSON.stringify(value))}\n`;
}

export function jsonConnectionLines(screen: Screen): ConnectionHandlers {
  return {
    onLost: (since) => screen.write(jsonLine({ type: 'connection_lost', since })),
    onBack: (lostForMs) => screen.write(jsonLine({ type: 'connected', lost_for_ms: Math.round(lostForMs) })),
  };
}
