/**
 * Shows all organizations: on a terminal one line each, redrawn in its place, what failed and what is running first; in a
 * pipe a plain line for each change.
 */
import { formatCount } from '#contract/count.ts';
import { isCancelled } from '#contract/progress.ts';
import type { StreamEvent } from '#contract/stream-event.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { terminalText } from '../logging/terminal-text.ts';
import type { ConnectionHandlers } from './connection-monitor.ts';
import type { EverythingHandlers } from './follow.ts';
import { endLine, type OrganizationState, organizationLine, plainLine } from './progress-line.ts';
import { columnsOf, connectionLines, connectionLost, paintFor, redraws, type Screen } from './screen.ts';

/** Faster redraws are unreadable, and hundreds of organizations may change at once. */
const REDRAWN_AT_MOST_EVERY_MS = 100;
/** Elapsed times and countdowns. */
const TICK_MS = 1_000;

/** By organization: its latest run. */
type LatestRuns = Map<number, SyncLog | null>;
export type Names = ReadonlyMap<number, string>;

/** @param readNames called at each connection, so that new organizations get theirs */
export function showEverything(
  screen: Screen,
  readNames: () => Promise<Names> = async () => new Map(),
): EverythingHandlers & ConnectionHandlers {
  const latest: LatestRuns = new Map();
  const table = redraws(screen) ? createTable(screen, latest) : undefined;
  let names: Names = new Map();
  return {
    onEvent(event) {
      const before = latest.get(event.organization_id);
      latest.set(event.organization_id, event.log);
      if (table !== undefined) table.draw();
      else writeChange(screen, event, before, names);
    },
    onConnected() {
      void readNames().then((read) => {
        names = read;
        table?.name(read);
      });
      if (table !== undefined) table.connection('live', false);
      else screen.write('Watching all organizations.\n');
    },
    onLost(since) {
      if (table !== undefined) table.connection(connectionLost(since), true);
      else connectionLines(screen).onLost(since);
    },
    onBack(lostForMs) {
      if (table === undefined) connectionLines(screen).onBack(lostForMs);
    },
  };
}

/** @param before undefined: the first event of this organization */
function writeChange(
  screen: Screen,
  { type, organization_id: id, log }: StreamEvent,
  before: SyncLog | null | undefined,
  names: Names,
) {
  // The initial state of an organization is not printed, unless its run is active.
  const isOld = type === 'snapshot' && before === undefined && log?.status !== 'running';
  if (log === null || isOld) return;
  const line = lineOf(log);
  const name = log.status === 'failed' ? names.get(id) : undefined;
  if (before != null && before.id === log.id && lineOf(before) === line) return;
  screen.write(`${id}${name === undefined ? '' : ` ${terminalText(name)}`}: ${line}\n`);
}

function lineOf(log: SyncLog): string {
  return log.status === 'running' ? plainLine(log) : endLine(log);
}

interface Table {
  /** Soon. */
  draw(): void;
  name(names: Names): void;
  /** @param isLost nothing ticks: the lines are as of that moment */
  connection(words: string, isLost: boolean): void;
}

function createTable(screen: Screen, latest: LatestRuns): Table {
  const paint = paintFor(screen);
  let state = { words: 'connecting', isLost: false };
  let names: Names | undefined;
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;
  let isSoon = false;

  const draw = (): void => {
    isSoon = false;
    const columns = columnsOf(screen);
    const room = Math.max(1, (screen.rows || 24) - 3);
    const rows = [...latest].map(([id, log]) => ({ id, log, name: names && (names.get(id) ?? null) }));
    rows.sort(byUrgency);
    const options = { columns, paint, nowMs: state.isLost ? undefined : Date.now() };
    const lines = rows.slice(0, room).map((row) => organizationLine(row, options));
    if (rows.length > room) lines.push(paint(`… and ${formatCount(rows.length - room)} more`, 'grey'));
    lines.unshift(headOf(rows, state.words).slice(0, columns - 1));
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
    screen.write(`${up}${lines.map((line) => `\r\x1b[2K${line}\n`).join('')}\x1b[J`);
    drawn = lines.length;
    const ticks = !state.isLost && rows.some(({ log }) => log?.status === 'running');
    if (ticks) timer = setTimeout(draw, TICK_MS);
  };
  const drawSoon = (): void => {
    if (isSoon) return;
    isSoon = true;
    clearTimeout(timer);
    timer = setTimeout(draw, REDRAWN_AT_MOST_EVERY_MS);
  };
  return {
    draw: drawSoon,
    name(read) {
      names = read.size > 0 ? read : undefined;
      drawSoon();
    },
    connection(words, isLost) {
      state = { words, isLost };
      drawSoon();
    },
  };
}

function headOf(rows: readonly OrganizationState[], connection: string): string {
  const count = (urgency: Urgency) => rows.filter(({ log }) => urgencyOf(log) === urgency).length;
  const failed = count('failed');
  const parts = [
    `${formatCount(rows.length)} organization${rows.length === 1 ? '' : 's'}`,
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    `${formatCount(count('running'))} running`,
  ];
  return `${parts.join(', ')} (${connection})`;
}

/** In the order of the table. A run that a person cancelled needs no attention. */
const URGENCIES = ['failed', 'running', 'ended', 'never'] as const;
type Urgency = (typeof URGENCIES)[number];

function urgencyOf(log: SyncLog | null): Urgency {
  if (log === null) return 'never';
  if (log.status === 'running') return 'running';
  return log.status === 'failed' && !isCancelled(log) ? 'failed' : 'ended';
}

function byUrgency(one: OrganizationState, other: OrganizationState): number {
  const rank = ({ log }: OrganizationState): number => URGENCIES.indexOf(urgencyOf(log));
  return rank(one) - rank(other) || one.id - other.id;
}
