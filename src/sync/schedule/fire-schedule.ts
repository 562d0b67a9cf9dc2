/**
 * Fires the schedules of one organization that are due: one run, and the next firings, in one transaction that locks the
 * organization's row. So a firing creates one run however many servers poll.
 *
 * Schedules that are due together start one run, of the mode that reads most. A running run that covers this mode counts as
 * the run; while another one is running, the firing waits.
 */
import type { OperationType, SyncTrigger } from '#contract/sync-log.ts';
import { briefLockWait, waitedTooLong } from '../../database/brief-lock.ts';
import type { Database, Tx } from '../../database/open.ts';
import { isDatabaseUnavailable } from '../../database/transient-errors.ts';
import { isEverythingPaused, resumedAt } from '../../organizations/pause.ts';
import {
  covers,
  dueSchedules,
  type Firings,
  keptApart,
  longestIntervalS,
  operationOf,
  planFirings,
  type ReadSchedules,
  readFirings,
  readSchedules,
  storedFirings,
  widest,
} from '../../organizations/planned-firings.ts';
import { wouldStartWait } from '../locked-organization.ts';
import { createRun, findRunning } from '../start-run.ts';
import { clockOf } from './database-clock.ts';

/** A firing that starts later than this was missed: no server ran, or none reached the database. */
const LATE_AFTER_MS = 60_000;

/** How soon a firing that waits for a running run looks again. */
const WAIT_MS = 10_000;

export type Fired = { organizationId: number } & (
  | { outcome: 'started'; type: OperationType; disabled: string | null }
  | { outcome: 'already-running' | 'waits' | 'rested' }
  | { outcome: 'unreadable'; reason: string }
  /** Another program holds the organization. The firing stays due. */
  | { outcome: 'locked' }
  | { outcome: 'failed'; error: unknown }
);

interface Due {
  id: number;
  schedule: unknown;
  firings: unknown;
  longest: number | null;
  /** By the clock of the database, as text: it may be `-infinity`. */
  due_at: string;
  now: string;
  has_rested: boolean;
}

/**
 * @param passedOver organizations that are left out
 * @param now for tests; default: the clock of the database
 * @returns undefined when no organization is due
 */
export async function fireNext(
  { sql }: Database,
  passedOver: readonly number[],
  now?: Date,
): Promise<Fired | undefined> {
  return await sql.begin(async (tx): Promise<Fired | undefined> => {
    const clock = clockOf(tx, now);
    const [due] = await tx<Due[]>`
      select id, schedule, firings, longest_interval_s as longest, next_sync_at::text as due_at, ${clock} as now,
        coalesce(next_sync_at < ${resumedAt(tx)}, false) as has_rested, ${briefLockWait(tx)}
      from organizations
      where next_sync_at <= ${clock} and paused_at is null and id <> all(${passedOver as number[]}::int[])
        and not ${isEverythingPaused(tx)}
      order by next_sync_at limit 1 for update skip locked`;
    return due && (await fire(tx, due));
  });
}

async function fire(tx: Tx, due: Due): Promise<Fired> {
  const { id: organizationId } = due;
  const now = new Date(due.now);
  const read = readSchedules(due.schedule);
  const stored = readFirings(due.firings, read);
  const indexes = dueSchedules(read, stored, now);
  const fired = indexes.flatMap((index) => read.schedules[index] ?? []);
  const kept = stored.map((one, index) => (indexes.includes(index) ? null : one));
  const next = planFirings(read, now, kept);
  const plan = (firings: Firings) => storePlan(tx, due, read, firings);
  const type = widest(fired.map(operationOf));
  if (type === undefined) {
    await plan(next);
    return { organizationId, outcome: 'unreadable', reason: read.error ?? '' };
  }
  if (due.has_rested) {
    await plan(next);
    return { organizationId, outcome: 'rested' };
  }
  const schedule = fired.find((one) => operationOf(one) === type)?.cron;
  const trigger: SyncTrigger = { kind: 'schedule', ...(schedule !== undefined && { schedule }) };
  if (await wouldStartWait(tx, organizationId)) return { organizationId, outcome: 'locked' };
  try {
    const run = await tx.savepoint((inner) => createRun(inner, organizationId, type, { trigger }));
    if (run !== undefined) {
      await plan(keptApart(next, now));
      if (isLate(due)) await noteMissed(tx, due);
      return { organizationId, outcome: 'started', type, disabled: read.error };
    }
  } catch (error) {
    if (waitedTooLong(error)) return { organizationId, outcome: 'locked' };
    if (isDatabaseUnavailable(error)) throw error;
    // The firing stays due.
    return { organizationId, outcome: 'failed', error };
  }
  if (await isCovered(tx, organizationId, type)) {
    await plan(next);
    return { organizationId, outcome: 'already-running' };
  }
  const waiting = { planned: now, due: new Date(now.getTime() + WAIT_MS) };
  await plan(next.map((one, index) => (indexes.includes(index) ? waiting : one)));
  return { organizationId, outcome: 'waits' };
}

/** Another program can have written `-infinity`. */
function isLate({ due_at, now }: Due): boolean {
  const dueAt = Date.parse(due_at);
  return Number.isNaN(dueAt) || Date.parse(now) - dueAt > LATE_AFTER_MS;
}

/** The organization is overdue until a sync succeeds that ends after this time (organizations/overdue.ts). */
async function noteMissed(tx: Tx, { id, due_at, now }: Due): Promise<void> {
  const missedAt = Number.isNaN(Date.parse(due_at)) ? now : due_at;
  await tx`update organizations set missed_at = ${missedAt}::timestamptz where id = ${id}`;
}

/** Whether the running run does what this firing would start. A run of another program counts. */
async function isCovered(tx: Tx, organizationId: number, type: OperationType): Promise<boolean> {
  const running = await findRunning(tx, organizationId);
  return running !== undefined && covers(running.operation, type);
}

async function storePlan(
  tx: Tx,
  { id, now, longest }: Due,
  read: ReadSchedules,
  firings: Firings,
): Promise<void> {
  const at = new Date(now);
  // A server of the previous version stored the schedule without it. One that is too short is corrected by release-from-future.ts.
  const interval = longest ?? longestIntervalS(read, at);
  await tx`update organizations set ${storedFirings(tx, firings)}, longest_interval_s = ${interval} where id = ${id}`;
}
