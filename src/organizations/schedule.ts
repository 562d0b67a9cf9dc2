/**
 * When a clinic's schedule asks for its next sync. Pure; the cron arithmetic is croner's.
 *
 * Times are those of the clinic's own wall clock: a firing in the hour that daylight saving skips comes when that hour
 * would have ended, and one in the hour that comes twice is met once.
 *
 * Not here: the starting of it, once however many servers run (sync/scheduler.ts).
 */
import { Cron } from 'croner';
import { z } from 'zod';
import { type Schedule, TimeZone } from '#contract/organization.ts';
import { ProblemError } from '../http/problem.ts';

/** A thousand clinics at 02:00 do not start in one second: each comes a little later, by chance. */
const SPREAD_AT_MOST_MS = 10 * 60_000;
const SPREAD_SHARE = 0.1;

const StoredSchedule = z.looseObject({ cron: z.string(), time_zone: z.string() });

/** @throws ProblemError INVALID_PARAMETER: it is no cron expression, or it never fires */
export function requireSchedule(schedule: Schedule, now: Date = new Date()): void {
  let next: Date | null;
  try {
    next = open(schedule).nextRun(now);
  } catch (cause) {
    throw refuse('must be a cron expression of five or six fields, such as "0 2 * * *"', cause);
  }
  if (next === null) throw refuse('never fires: there is no such day');
}

function refuse(rule: string, cause?: unknown): ProblemError {
  return new ProblemError('INVALID_PARAMETER', `"schedule.cron" ${rule}.`, { field: 'schedule.cron', cause });
}

/**
 * The next firing after a moment, and a share of the time to the one after it: at most a tenth, and ten minutes.
 *
 * Firings that passed while no server ran are not made up for one by one: they were one sync, and it is the next.
 *
 * @param random from 0 to 1
 * @returns null when it never fires again
 */
export function nextFiring(schedule: Schedule, after: Date, random: number): Date | null {
  const cron = open(schedule);
  const firing = cron.nextRun(after);
  if (firing === null) return null;
  const following = cron.nextRun(firing);
  const gapMs = following === null ? Infinity : following.getTime() - firing.getTime();
  return new Date(firing.getTime() + random * Math.min(SPREAD_AT_MOST_MS, gapMs * SPREAD_SHARE));
}

/**
 * What is wrong with a stored schedule, in one sentence; null when it can be read. Another program may have written it, and a
 * time zone may be gone after an upgrade.
 */
export function scheduleError(schedule: unknown): string | null {
  const stored = StoredSchedule.safeParse(schedule);
  if (!stored.success) return 'The stored schedule is not an object with "cron" and "time_zone".';
  if (!TimeZone.safeParse(stored.data.time_zone).success)
    return 'This server does not know the time zone of the stored schedule.';
  try {
    nextFiring(stored.data, new Date(), 0);
    return null;
  } catch {
    return 'The stored cron expression cannot be read.';
  }
}

function open({ cron, time_zone }: Schedule): Cron {
  return new Cron(cron, { timezone: time_zone, mode: '5-or-6-parts', paused: true });
}
