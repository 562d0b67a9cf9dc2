/**
 * Computes when the schedule of a clinic starts its next sync. Pure; croner does the cron arithmetic.
 *
 * Times are local times of the clinic: a firing in the hour that daylight saving skips comes at the end of that hour, and
 * one in the repeated hour comes once.
 *
 * Not here: starting the sync, once for any number of servers (sync/scheduler.ts).
 */
import { Cron } from 'croner';
import { z } from 'zod';
import { type Schedule, TimeZone } from '#contract/organization.ts';
import { ProblemError } from '../http/problem.ts';

/** A random delay for each clinic, so that a thousand clinics at 02:00 do not start in the same second. */
const SPREAD_AT_MOST_MS = 10 * 60_000;
const SPREAD_SHARE = 0.1;

const StoredSchedule = z.looseObject({ cron: z.string(), time_zone: z.string() });

/** @throws ProblemError INVALID_PARAMETER: it is not a cron expression, or it never fires */
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
 * The next firing after a time, delayed by a share of the interval to the one after it: at most a tenth, and ten minutes.
 *
 * Firings that were missed while no server ran are not repeated one by one: one sync, the next one, replaces them.
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
 * The error of a stored schedule, in one sentence; null when it is valid. Another program may have written it, and an
 * upgrade may remove a time zone.
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
