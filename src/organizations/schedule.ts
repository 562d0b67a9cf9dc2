/**
 * Computes when the schedules of a clinic start their next syncs. Pure; croner does the cron arithmetic.
 *
 * Times are local times of the clinic: a firing in the hour that daylight saving skips comes at the end of that hour, and
 * one in the repeated hour comes once.
 *
 * Not here: the stored firings of a clinic (planned-firings.ts), starting the sync (sync/schedule/scheduler.ts).
 */
import { Cron } from 'croner';
import { z } from 'zod';
import { type Schedule, ScheduleMode, type Schedules, TimeZone } from '#contract/organization.ts';
import { ProblemError } from '../http/problem.ts';

/** A random delay for each clinic, so that a thousand clinics at 02:00 do not start in the same second. */
const SPREAD_AT_MOST_MS = 10 * 60_000;
const SPREAD_SHARE = 0.1;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Where the longest gap is searched. Gaps shorter than a step may be missed. */
const GAPS = {
  /** A gap that repeats every week, such as the weekend. */
  ofWeeks: { withinMs: 8 * DAY_MS, stepMs: 3 * HOUR_MS },
  /** A gap between days of the month or of the year: "0 6 1-14 * *". */
  ofMonths: { withinMs: 400 * DAY_MS, stepMs: DAY_MS },
};

/** Day of the month and month are free, and no day of the week is counted within its month. */
const SAME_EVERY_WEEK = /^(?:\S+\s+)?\S+\s+\S+\s+[*?]\s+[*?]\s+[^#lL]+$/;

const StoredSchedule = z.looseObject({
  cron: z.string(),
  time_zone: z.string(),
  mode: z.string().optional(),
});

const scheduleList = (schedules: Schedules | null): readonly Schedule[] =>
  schedules === null ? [] : Array.isArray(schedules) ? schedules : [schedules];

/** @throws ProblemError INVALID_PARAMETER: one is not a cron expression, never fires, or fires more than once a minute */
export function requireSchedules(schedules: Schedules): void {
  for (const [index, schedule] of scheduleList(schedules).entries())
    requireSchedule(schedule, Array.isArray(schedules) ? `schedule.${index}.cron` : 'schedule.cron');
}

function requireSchedule(schedule: Schedule, field: string): void {
  let next: Date | null;
  try {
    next = open(schedule).nextRun(new Date());
  } catch (cause) {
    throw refuse(field, 'must be a cron expression of five or six fields, such as "0 2 * * *"', cause);
  }
  if (next === null) throw refuse(field, 'never fires: there is no such day');
  if (!firesAtMostOnceAMinute(schedule))
    throw refuse(field, 'fires more than once a minute: its field of seconds must be one number');
}

function refuse(field: string, rule: string, cause?: unknown): ProblemError {
  return new ProblemError('INVALID_PARAMETER', `"${field}" ${rule}.`, { field, cause });
}

/** Only a field of seconds, the first of six, can name two times in one minute. */
function firesAtMostOnceAMinute({ cron }: Schedule): boolean {
  const fields = cron.trim().split(/\s+/);
  return fields.length === 5 || /^\d+$/.test(fields[0] ?? '');
}

export interface Firing {
  /** By the cron expression. */
  planned: Date;
  /** With the random delay. */
  due: Date;
}

/**
 * The next firing after a time, delayed by a share of the interval to the one after it: at most a tenth, and ten minutes.
 *
 * Firings that were missed while no server ran are not repeated one by one: one sync, the next one, replaces them.
 *
 * @param random from 0 to 1
 * @returns null when it never fires again
 */
export function nextFiring(schedule: Schedule, after: Date, random: number): Firing | null {
  const cron = open(schedule);
  const planned = cron.nextRun(after);
  if (planned === null) return null;
  const following = cron.nextRun(planned);
  const gapMs = following === null ? Infinity : following.getTime() - planned.getTime();
  const spreadMs = random * Math.min(SPREAD_AT_MOST_MS, gapMs * SPREAD_SHARE);
  return { planned, due: new Date(planned.getTime() + spreadMs) };
}

/**
 * The longest time between two firings that follow a time, which decides when an organization is overdue.
 *
 * @returns null when there are not two firings
 */
export function longestIntervalMs(schedule: Schedule, after: Date): number | null {
  const cron = open(schedule);
  const ofWeeks = longestGapMs(cron, after, GAPS.ofWeeks);
  if (SAME_EVERY_WEEK.test(schedule.cron.trim())) return ofWeeks;
  const ofMonths = longestGapMs(cron, after, GAPS.ofMonths);
  return ofWeeks === null || ofMonths === null ? ofMonths : Math.max(ofWeeks, ofMonths);
}

function longestGapMs(cron: Cron, after: Date, search: { withinMs: number; stepMs: number }): number | null {
  let longest: number | null = null;
  for (let at = after.getTime(); at < after.getTime() + search.withinMs; ) {
    const next = cron.nextRun(new Date(at));
    const [before] = next === null ? [] : cron.previousRuns(1, next);
    if (next === null || before === undefined) return longest;
    longest = Math.max(longest ?? 0, next.getTime() - before.getTime());
    at = Math.max(next.getTime(), at + search.stepMs);
  }
  return longest;
}

/**
 * The error of one stored schedule, in one sentence; null when it is valid. Another program may have written it, and an
 * upgrade may remove a time zone.
 */
export function scheduleError(schedule: unknown): string | null {
  const stored = StoredSchedule.safeParse(schedule);
  if (!stored.success) return 'The stored schedule is not an object with "cron" and "time_zone".';
  const { cron, time_zone, mode = 'full' } = stored.data;
  if (!TimeZone.safeParse(time_zone).success)
    return 'This server does not know the time zone of the stored schedule.';
  if (!ScheduleMode.safeParse(mode).success)
    return 'This server does not know the mode of the stored schedule.';
  try {
    nextFiring({ cron, time_zone }, new Date(), 0);
    return null;
  } catch {
    return 'The stored cron expression cannot be read.';
  }
}

function open({ cron, time_zone }: Schedule): Cron {
  return new Cron(cron, { timezone: time_zone, mode: '5-or-6-parts', paused: true });
}
