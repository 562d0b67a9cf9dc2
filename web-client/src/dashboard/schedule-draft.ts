/** The form state of the schedules of a clinic. Pure. */
import { MAX_SCHEDULES, type Schedule, type ScheduleMode, type Schedules } from '#contract/organization.ts';

export type Rhythm = 'off' | 'hourly' | 'four-hourly' | 'daily' | 'own';

export interface ScheduleDraft {
  rhythm: Rhythm;
  mode: ScheduleMode;
  /** "02:30", of `daily`. */
  time: string;
  /** Of `own`. */
  cron: string;
  /** Of a stored schedule that does not follow the clinic; undefined: it has the time zone of the clinic, as each one that is edited. */
  timeZone?: string | undefined;
}

const HOURLY = '0 * * * *';
const FOUR_HOURLY = '0 */4 * * *';
const DAILY = /^(\d{1,2}) (\d{1,2}) \* \* \*$/;

const USUAL = { time: '02:30', cron: '30 2 * * *' };
export const NO_SCHEDULE: ScheduleDraft = { rhythm: 'off', mode: 'full', ...USUAL };
/** What a second schedule usually is. */
const ANOTHER: ScheduleDraft = { rhythm: 'four-hourly', mode: 'changed', ...USUAL };

/** At least one, so that the form shows one. */
export function draftOfSchedules(stored: Schedules | null, clinicTimeZone: string): ScheduleDraft[] {
  const list = stored === null ? [] : Array.isArray(stored) ? stored : [stored];
  return list.length === 0 ? [NO_SCHEDULE] : list.map((one) => draftOfSchedule(one, clinicTimeZone));
}

function draftOfSchedule(
  { cron, mode = 'full', time_zone }: Schedule,
  clinicTimeZone: string,
): ScheduleDraft {
  const timeZone = time_zone === clinicTimeZone ? undefined : time_zone;
  const known = { mode, ...USUAL, cron, timeZone };
  if (cron === HOURLY) return { ...known, rhythm: 'hourly' };
  if (cron === FOUR_HOURLY) return { ...known, rhythm: 'four-hourly' };
  const [, minute, hour] = DAILY.exec(cron) ?? [];
  if (minute === undefined || hour === undefined) return { ...known, rhythm: 'own' };
  return { ...known, rhythm: 'daily', time: `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}` };
}

export const canAddSchedule = (drafts: readonly ScheduleDraft[]): boolean =>
  drafts.length < MAX_SCHEDULES && drafts.every(({ rhythm }) => rhythm !== 'off');

export const withSchedule = (drafts: readonly ScheduleDraft[]): ScheduleDraft[] => [...drafts, ANOTHER];

/** One schedule is written as an object, several as a list; null: none. */
export function schedulesOf(drafts: readonly ScheduleDraft[], clinicTimeZone: string): Schedules | null {
  const schedules = drafts.flatMap((draft) => {
    const cron = cronOf(draft);
    if (cron === null) return [];
    const { mode, timeZone = clinicTimeZone } = draft;
    return [{ cron, time_zone: timeZone, ...(mode !== 'full' && { mode }) }];
  });
  const [only, second] = schedules;
  return only === undefined ? null : second === undefined ? only : schedules;
}

/** Null: no schedule. */
export function cronOf({ rhythm, time, cron }: ScheduleDraft): string | null {
  switch (rhythm) {
    case 'off':
      return null;
    case 'hourly':
      return HOURLY;
    case 'four-hourly':
      return FOUR_HOURLY;
    case 'daily': {
      const [hour, minute] = time.split(':').map(Number);
      return `${minute ?? 0} ${hour ?? 0} * * *`;
    }
    case 'own':
      return cron.trim();
    default:
      return rhythm satisfies never;
  }
}
