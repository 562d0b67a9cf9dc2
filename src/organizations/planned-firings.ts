/**
 * The firings of an organization's schedules: one for each schedule, stored beside them. Pure.
 *
 * The earliest one is also in `next_sync_at`, which the index and a server of the previous version use. So that column decides
 * when something is due, and `firings` decides which schedule it is.
 */
import type { ISql } from 'postgres';
import { z } from 'zod';
import type { Schedule } from '#contract/organization.ts';
import type { OperationType } from '#contract/sync-log.ts';
import { longestIntervalMs, nextFiring, scheduleError } from './schedule.ts';

/** Null: the schedule is unreadable, or never fires again. */
const StoredFirings = z.array(z.object({ planned: z.coerce.date(), due: z.coerce.date() }).nullable());
export type Firings = z.infer<typeof StoredFirings>;

/** A clinic does not start two scheduled syncs within this time, however many schedules it has. */
const APART_MS = 60_000;

export interface ReadSchedules {
  /** In the order in which they are stored; null where one is unreadable. */
  schedules: readonly (Schedule | null)[];
  /** Of the first unreadable one. */
  error: string | null;
}

/** @param stored the column `schedule`; another program may have written anything */
export function readSchedules(stored: unknown): ReadSchedules {
  const list: unknown[] = Array.isArray(stored) ? stored : [stored];
  const errors = list.map(scheduleError);
  return {
    schedules: list.map((one, index) => (errors[index] === null ? (one as Schedule) : null)),
    error: errors.find((error) => error !== null) ?? null,
  };
}

/** Plans the firings after a time. Those of `kept` stay as they are. */
export function planFirings({ schedules }: ReadSchedules, after: Date, kept: Firings = []): Firings {
  return schedules.map((schedule, index) => {
    if (schedule === null) return null;
    return kept[index] ?? nextFiring(schedule, after, Math.random());
  });
}

/** Delays what would start within a minute after a sync that started now. */
export function keptApart(firings: Firings, now: Date): Firings {
  const earliest = now.getTime() + APART_MS;
  return firings.map((one) => one && { ...one, due: new Date(Math.max(one.due.getTime(), earliest)) });
}

/** @returns null when nothing fires again */
export function earliestDue(firings: Firings): Date | null {
  const times = firings.flatMap((one) => (one === null ? [] : [one.due.getTime()]));
  return times.length === 0 ? null : new Date(Math.min(...times));
}

/** The columns that hold the firings, in an update. Null: nothing fires. */
export const storedFirings = (sql: ISql, firings: Firings | null) => sql`
  firings = ${firings && JSON.stringify(firings)}::text::jsonb,
  next_sync_at = ${firings && (earliestDue(firings)?.toISOString() ?? null)}::timestamptz`;

/** @param stored the column `firings` @returns empty when it does not belong to these schedules */
export function readFirings(stored: unknown, { schedules }: ReadSchedules): Firings {
  const read = StoredFirings.safeParse(stored);
  return read.success && read.data.length === schedules.length ? read.data : [];
}

/**
 * The schedules for which a sync is due, by their index: all whose planned time has come. So schedules that fire in the same
 * minute start one sync, whatever their random delays.
 */
export function dueSchedules({ schedules }: ReadSchedules, firings: Firings, now: Date): number[] {
  const readable = schedules.flatMap((schedule, index) => (schedule === null ? [] : [index]));
  const due = readable.filter((index) => {
    const firing = firings[index];
    return firing !== undefined && firing !== null && firing.planned <= now;
  });
  if (due.length > 0) return due;
  // Another program moved `next_sync_at`: it means the firing that comes first.
  const dueAt = (index: number) => firings[index]?.due.getTime() ?? 0;
  return readable.sort((a, b) => dueAt(a) - dueAt(b)).slice(0, 1);
}

/** The longest interval of all, in seconds; null when none fires twice. */
export function longestIntervalS({ schedules }: ReadSchedules, after: Date): number | null {
  const longest = schedules.flatMap((schedule) =>
    schedule === null ? [] : (longestIntervalMs(schedule, after) ?? []),
  );
  return longest.length === 0 ? null : Math.round(Math.max(...longest) / 1_000);
}

const OPERATIONS = {
  full: 'full_patients',
  active: 'active_patients',
  changed: 'changed_patients',
} as const satisfies Record<NonNullable<Schedule['mode']>, OperationType>;

export const operationOf = ({ mode = 'full' }: Pick<Schedule, 'mode'>): OperationType => OPERATIONS[mode];

/** In the order of what they read: a full sync reads every patient, an active one those that are not archived. */
const BY_EXTENT: readonly OperationType[] = ['full_patients', 'active_patients', 'changed_patients'];

/** The one of several operations that reads most. */
export function widest(operations: readonly OperationType[]): OperationType | undefined {
  return BY_EXTENT.find((operation) => operations.includes(operation));
}

/** Whether a run of one operation does what another one would: a full sync covers all, any other only itself. */
export function covers(operation: string, wanted: OperationType): boolean {
  const isOurs = BY_EXTENT.some((one) => one === operation);
  return !isOurs || operation === 'full_patients' || operation === wanted;
}
