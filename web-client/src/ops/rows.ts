/**
 * The rows of the console: the overview of the server, with what has arrived live since. Pure.
 *
 * The overview knows schedules, pauses and held patients; the stream knows runs within milliseconds. Until the overview is
 * read again, the run decides.
 */
import { formatCount, formatPatients } from '#contract/count.ts';
import type { OverviewRow, OverviewState } from '#contract/overview.ts';
import { isCancelled, isWithoutKey, problemText, SYNC_FAILED } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import type { EverythingState } from '../live/everything-state.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { counterText } from '../ui/format.ts';
import { dayAndTimeText } from '../ui/time-format.ts';

export interface ConsoleRow {
  id: number;
  title: string;
  hasName: boolean;
  state: OverviewState;
  /** Why the last run failed; null without a recorded cause. */
  cause: string | null;
  /** The last run failed, also while the clinic or everything is paused: a pause hides no failure. */
  hasFailed: boolean;
  log: SyncLog | null;
  percent: number;
  lastSuccessAt: string | null;
  nextRunAt: string | null;
  errors: number;
  held: number;
  isPaused: boolean;
  /** Who paused this clinic, when and why; empty when only everything is paused. */
  pauseNote: string;
}

export type OverviewRows = ReadonlyMap<number, OverviewRow>;

export const STATE_WORDS: Record<OverviewState, string> = {
  failed: 'Failed',
  overdue: 'Late',
  held: 'Held',
  with_errors: 'With errors',
  running: 'Running',
  queued: 'Queued',
  paused: 'Paused',
  never: 'Never synced',
  ok: 'Fresh',
};

/**
 * A cause of this page alone. The runs of clinics without a key and with a refused one have the same error type, but a
 * missing key is stored, and a refused one is replaced.
 */
const NO_API_KEY = 'NO_API_KEY';

const CAUSES: Readonly<Record<string, string>> = {
  [NO_API_KEY]: 'No API key is stored',
  CLINIKO_UNAVAILABLE: 'Cliniko did not answer',
  CLINIKO_RATE_LIMITED: 'Cliniko limited the requests',
  CLINIKO_AUTH_FAILED: 'Cliniko refused the API key',
  CLINIKO_FORBIDDEN: 'The API key lacks rights',
  CLINIKO_BAD_RESPONSE: 'Cliniko gave an unreadable answer',
  DATABASE_CONSTRAINT_ERROR: 'The database rejected a row',
  DATABASE_UNAVAILABLE: 'The database did not answer',
  SYNC_INTERRUPTED: 'The server stopped during the sync',
  INTERNAL_ERROR: 'A fault of the server',
};

/** Other programs use causes of their own, even `__proto__`. */
export function causeWords(cause: string | null): string {
  if (cause === null) return 'Failed for another reason';
  return Object.hasOwn(CAUSES, cause) ? (CAUSES[cause] ?? cause) : cause;
}

/** An unchanged row keeps its identity, so it is not drawn again. */
export function createRowReader() {
  let known = new Map<number, { live: OrganizationState; row: OverviewRow | undefined; made: ConsoleRow }>();
  return (everything: EverythingState, overview: OverviewRows, names: ReadonlyMap<number, string>) => {
    const next: typeof known = new Map();
    const add = (id: number, live: OrganizationState): void => {
      const row = overview.get(id);
      if (!live.isKnown && row === undefined) return;
      const name = names.get(id);
      const before = known.get(id);
      const isSame =
        before?.live === live && before.row === row && before.made.title === (name ?? `Organization ${id}`);
      next.set(id, isSame ? before : { live, row, made: consoleRow(live, row, name) });
    };
    for (const [id, live] of everything) add(id, live);
    for (const id of overview.keys()) if (!everything.has(id)) add(id, unknownOrganization(id));
    known = next;
    return [...next.values()].map(({ made }) => made);
  };
}

function consoleRow(
  live: OrganizationState,
  row: OverviewRow | undefined,
  name: string | undefined,
): ConsoleRow {
  const log = live.isKnown ? live.log : (row?.latest ?? null);
  const judged = row !== undefined && isSameEnd(log, row.latest) ? judgedBy(row) : judgedByRun(log, row);
  return {
    id: live.organizationId,
    title: name ?? `Organization ${live.organizationId}`,
    hasName: name !== undefined,
    log,
    percent: live.isKnown ? live.percent : (log?.metadata.progress_percent ?? 0),
    nextRunAt: row?.next_run_at ?? null,
    held: row?.held ?? 0,
    isPaused: row?.paused ?? false,
    pauseNote: pauseNoteOf(row),
    ...judged,
    cause:
      judged.cause === 'CLINIKO_AUTH_FAILED' && log !== null && isWithoutKey(log) ? NO_API_KEY : judged.cause,
  };
}

function pauseNoteOf(row: OverviewRow | undefined): string {
  if (row === undefined || row.paused_at === null) return '';
  const by = row.paused_by === null ? '' : ` by ${row.paused_by}`;
  const why = row.paused_reason === null ? '' : `: ${row.paused_reason}`;
  return `Since ${dayAndTimeText(new Date(row.paused_at))}${by}${why}`;
}

type Judged = Pick<ConsoleRow, 'state' | 'cause' | 'hasFailed' | 'lastSuccessAt' | 'errors'>;

/** A paused clinic has failed when it has a cause: the state of the overview is then the pause. */
function judgedBy({ state, cause, last_success_at, errors }: OverviewRow): Judged {
  const hasFailed = state === 'failed' || (state === 'paused' && cause !== null);
  return { state, cause: hasFailed ? cause : null, hasFailed, lastSuccessAt: last_success_at, errors };
}

function judgedByRun(log: SyncLog | null, row: OverviewRow | undefined): Judged {
  const state = stateByRun(log, row);
  const before = { lastSuccessAt: row?.last_success_at ?? null, errors: row?.errors ?? 0 };
  // A cancelled run changes nothing: the failure before it stays.
  const isOwn = log?.status === 'failed' && !isCancelled(log);
  const isUnchanged = log === null || isCancelled(log);
  const cause = isOwn ? (log.metadata.error_type ?? null) : isUnchanged ? (row?.cause ?? null) : null;
  const hasFailed = state === 'failed' || (state === 'paused' && (isOwn || cause !== null));
  const failure = { cause: hasFailed ? cause : null, hasFailed };
  if (log?.status !== 'completed') return { state, ...failure, ...before };
  return { state, ...failure, lastSuccessAt: log.completed_at, errors: log.records_failed };
}

/** Whether the overview has judged this run: a running one only as long as it runs. */
function isSameEnd(log: SyncLog | null, judged: SyncLog | null): boolean {
  if (log === null || judged === null) return log === judged;
  const isQueued = (one: SyncLog) => one.status === 'running' && one.metadata.phase === 'queued';
  return log.id === judged.id && log.status === judged.status && isQueued(log) === isQueued(judged);
}

function stateByRun(log: SyncLog | null, row: OverviewRow | undefined): OverviewState {
  if (log?.status === 'running') return log.metadata.phase === 'queued' ? 'queued' : 'running';
  if (row?.paused) return 'paused';
  if (log === null) return 'never';
  if (isCancelled(log)) return stateBeforeRun(row);
  if (log.status === 'failed') return 'failed';
  if ((row?.held ?? 0) > 0) return 'held';
  return log.records_failed > 0 || (row?.quarantine ?? 0) > 0 ? 'with_errors' : 'ok';
}

/** A cancelled run changes nothing. */
function stateBeforeRun(row: OverviewRow | undefined): OverviewState {
  if (row === undefined) return 'ok';
  if (row.state !== 'running' && row.state !== 'queued') return row.state;
  return row.last_success_at === null ? 'never' : 'ok';
}

/** What a person at the console wants to know of a run that is not working. */
export function noteOf(row: ConsoleRow): string {
  const { state, log, held, errors } = row;
  switch (state) {
    case 'failed':
      // The state beside it says so, and the column has little room.
      return failureOf(row).replace(SYNC_FAILED, '');
    case 'overdue':
      return row.lastSuccessAt === null ? 'No sync has succeeded yet' : 'No sync in time';
    case 'held':
      return `${formatPatients(held)} absent, to be confirmed`;
    case 'with_errors':
      return errors > 0 ? `${formatPatients(errors)} not stored` : 'Patients in quarantine';
    case 'paused':
      return [row.hasFailed && failureOf(row), row.pauseNote || 'Everything is paused']
        .filter(Boolean)
        .join(' · ');
    case 'never':
      return log !== null && isCancelled(log) ? 'Cancelled' : '–';
    default:
      return log !== null && isCancelled(log) ? 'Last sync cancelled' : counterText(log);
  }
}

const failureOf = ({ log, cause }: ConsoleRow): string =>
  (log?.status === 'failed' && !isCancelled(log) && problemText(log)) || causeWords(cause);

/** "12 errors · 3 held"; empty when there is nothing. */
export function openWorkText({ errors, held }: ConsoleRow): string {
  const words: string[] = [];
  if (errors > 0) words.push(`${formatCount(errors)} ${errors === 1 ? 'error' : 'errors'}`);
  if (held > 0) words.push(`${formatCount(held)} held`);
  return words.join(' · ');
}

/** Whether the note of the row leaves some of its open work out. */
export function hasMoreOpenWork({ state, errors, held }: ConsoleRow): boolean {
  return (errors > 0 && state !== 'with_errors') || (held > 0 && state !== 'held');
}

/** "5 min", "3 h", "12 d": since then. */
export function ageWords(at: string | null, now: number): string {
  if (at === null) return 'Never';
  const minutes = Math.max(0, Math.floor((now - Date.parse(at)) / 60_000));
  if (minutes < 1) return 'Just now';
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 2_880 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 1_440)} d ago`;
}

/**
 * The words of a row, for the search. The figures of a running sync and the age of the last success are left out: rows would
 * come and go with each batch and each minute, and a search for an id would find ages.
 */
export function searchTextOf(row: ConsoleRow): string {
  const cause = row.hasFailed ? causeWords(row.cause) : '';
  const note = row.log?.status === 'running' ? '' : noteOf(row);
  return `${row.id} ${row.title} ${STATE_WORDS[row.state]} ${note} ${cause} ${openWorkText(row)}`.toLowerCase();
}

export interface CauseGroup {
  cause: string | null;
  ids: number[];
  /** Whether a retry can help without a person: a refused key stays refused. */
  canRetry: boolean;
}

const NEEDS_A_PERSON: ReadonlySet<string | null> = new Set([
  NO_API_KEY,
  'CLINIKO_AUTH_FAILED',
  'CLINIKO_FORBIDDEN',
  'DATABASE_CONSTRAINT_ERROR',
]);

/** Failures by cause, the most frequent first. */
export function causeGroups(rows: readonly ConsoleRow[]): CauseGroup[] {
  const byCause = new Map<string | null, number[]>();
  for (const { id, hasFailed, cause } of rows) {
    if (hasFailed) byCause.set(cause, [...(byCause.get(cause) ?? []), id]);
  }
  return [...byCause]
    .map(([cause, ids]) => ({ cause, ids, canRetry: !NEEDS_A_PERSON.has(cause) }))
    .sort((one, other) => other.ids.length - one.ids.length);
}
