/**
 * Shows all organizations: on a terminal one line each, redrawn in its place, what is running and what failed first; in a
 * pipe a plain line for each change.
 */
import type { StreamEvent } from '#contract/stream-event.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import type { ConnectionHandlers } from './connection-monitor.ts';
import type { EverythingHandlers } from './follow.ts';
import { endLine, organizationLine, plainLine } from './progress-line.ts';
import { connectionLines, connectionLost, paintFor, type Screen } from './screen.ts';

/** Faster redraws are unreadable, and hundreds of organizations may change at once. */
const REDRAWN_AT_MOST_EVERY_MS = 100;

type Standings = Map<number, SyncLog | null>;

export function showEverything(screen: Screen): EverythingHandlers & ConnectionHandlers {
  const standings: Standings = new Map();
  const draw = screen.isTTY ? createTable(screen, standings) : undefined;
  return {
    onEvent(event) {
      const before = standings.get(event.organization_id);
      standings.set(event.organization_id, event.log);
      if (draw !== undefined) draw('');
      else writeChange(screen, event, before);
    },
    onConnected() {
      if (draw !== undefined) draw('live');
      else screen.write('Watching all organizations.\n');
    },
    onLost(since) {
      if (draw !== undefined) draw(connectionLost(since));
      else connectionLines(screen).onLost(since);
    },
    onBack(lostForMs) {
      if (draw === undefined) connectionLines(screen).onBack(lostForMs);
    },
  };
}

/** @param before undefined: the first event of this organization */
function writeChange(
  screen: Screen,
  { type, organization_id: id, log }: StreamEvent,
  before: SyncLog | null | undefined,
) {
  // The initial state of an organization is not printed, unless its run is active.
  const isOld = type === 'snapshot' && before === undefined && log?.status !== 'running';
  if (log === null || isOld) return;
  const line = lineOf(log);
  if (before == null || before.id !== log.id || lineOf(before) !== line) screen.write(`${id}: ${line}\n`);
}

function lineOf(log: SyncLog): string {
  return log.status === 'running' ? plainLine(log) : endLine(log);
}

/** @returns draws, soon; with a new word on the connection, if not empty */
function createTable(screen: Screen, standings: Standings): (connection: string) => void {
  const paint = paintFor(screen);
  let connection = 'connecting';
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  const draw = (): void => {
    timer = undefined;
    const columns = screen.columns ?? 80;
    const room = Math.max(1, (screen.rows ?? 24) - 3);
    const rows = [...standings].map(([id, log]) => ({ id, log })).sort(byUrgency);
    const lines = rows.slice(0, room).map((row) => organizationLine(row, columns, paint));
    if (rows.length > room) lines.push(paint(`… and ${rows.length - room} more`, 'grey'));
    lines.unshift(headOf(rows, connection).slice(0, columns - 1));
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
    screen.write(`${up}${lines.map((line) => `\r\x1b[2K${line}\n`).join('')}\x1b[J`);
    drawn = lines.length;
  };
  return (word) => {
    if (word !== '') connection = word;
    if (timer === undefined) timer = setTimeout(draw, REDRAWN_AT_MOST_EVERY_MS);
  };
}

interface Row {
  id: number;
  log: SyncLog | null;
}

function headOf(rows: readonly Row[], connection: string): string {
  const running = rows.filter(({ log }) => log?.status === 'running').length;
  return `${rows.length} organization${rows.length === 1 ? '' : 's'}, ${running} running (${connection})`;
}

const URGENCY: Record<SyncLog['status'], number> = { running: 0, failed: 1, completed: 2 };

function byUrgency(one: Row, other: Row): number {
  const rank = ({ log }: Row): number => (log === null ? 3 : URGENCY[log.status]);
  return rank(one) - rank(other) || one.id - other.id;
}
