/** What is written to: a terminal or a pipe. Colours are the terminal's to have: pipes have none, and people can forbid them. */
import type { SyncLog } from '../contract/sync-log.ts';

export interface Screen {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  /** Node's own: false for pipes, and where `NO_COLOR` is set. */
  hasColors?(): boolean;
  write(text: string): unknown;
}

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
