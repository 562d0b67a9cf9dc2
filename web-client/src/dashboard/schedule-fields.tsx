/** The schedules of automatic syncs: up to four, each with a mode. */
import type { ScheduleMode } from '#contract/organization.ts';
import { Field } from './field.tsx';
import { canAddSchedule, type Rhythm, type ScheduleDraft, withSchedule } from './schedule-draft.ts';
import type { DraftProps, SettingsErrors } from './settings-draft.ts';

const RHYTHMS: readonly [Rhythm, string][] = [
  ['off', 'Never'],
  ['daily', 'Every day'],
  ['four-hourly', 'Every four hours'],
  ['hourly', 'Every hour'],
  ['own', 'By a cron expression'],
];

const MODES: readonly [ScheduleMode, string][] = [
  ['full', 'All patients'],
  ['active', 'Patients that are not archived'],
  ['changed', 'Changes since the last sync'],
];

export interface ScheduleFieldsProps extends DraftProps {
  errors: SettingsErrors['schedules'];
}

export function ScheduleFields({ draft: { schedules }, errors = {}, onDraft }: ScheduleFieldsProps) {
  const onSchedule = (index: number, part: Partial<ScheduleDraft>): void =>
    onDraft({
      schedules: schedules.map((one, at) => (at === index ? { ...one, ...part, timeZone: undefined } : one)),
    });
  return (
    <fieldset className="group">
      <legend>Automatic syncs</legend>
      {schedules.map((schedule, index) => (
        <OneSchedule
          // biome-ignore lint/suspicious/noArrayIndexKey: the place in the list is the identity of a schedule
          key={index}
          place={index}
          schedule={schedule}
          error={errors[index]}
          onSchedule={(part) => onSchedule(index, part)}
        />
      ))}
      {canAddSchedule(schedules) && (
        <div>
          <button
            type="button"
            className="btn"
            onClick={() => onDraft({ schedules: withSchedule(schedules) })}
          >
            Add a schedule
          </button>
        </div>
      )}
    </fieldset>
  );
}

interface OneScheduleProps {
  place: number;
  schedule: ScheduleDraft;
  error: string | undefined;
  onSchedule(part: Partial<ScheduleDraft>): void;
}

function OneSchedule({ place, schedule, error, onSchedule }: OneScheduleProps) {
  const suffix = place === 0 ? '' : ` ${place + 1}`;
  return (
    <div className="field-pair">
      <Field
        label={`Automatic sync${suffix}`}
        hint={`In ${zoneWords(schedule)}, with a random delay of up to ten minutes.`}
      >
        {(ids) => (
          <select
            {...ids}
            className="select"
            value={schedule.rhythm}
            onChange={(event) =>
              onSchedule({ rhythm: RHYTHMS.find(([rhythm]) => rhythm === event.target.value)?.[0] ?? 'off' })
            }
          >
            <Options options={RHYTHMS} />
          </select>
        )}
      </Field>
      <TimeField suffix={suffix} schedule={schedule} error={error} onSchedule={onSchedule} />
      {schedule.rhythm !== 'off' && (
        <Field label={`What it reads${suffix}`} hint="Only a sync of all patients finds deleted ones.">
          {(ids) => (
            <select
              {...ids}
              className="select"
              value={schedule.mode}
              onChange={(event) =>
                onSchedule({ mode: MODES.find(([mode]) => mode === event.target.value)?.[0] ?? 'full' })
              }
            >
              <Options options={MODES} />
            </select>
          )}
        </Field>
      )}
    </div>
  );
}

function zoneWords({ timeZone }: ScheduleDraft): string {
  return timeZone === undefined ? 'the clinic’s time zone' : `the time zone ${timeZone}`;
}

function Options({ options }: { options: readonly (readonly [string, string])[] }) {
  return options.map(([value, words]) => (
    <option key={value} value={value}>
      {words}
    </option>
  ));
}

/** Of the rhythms that need one. */
function TimeField({
  suffix,
  schedule: { rhythm, time, cron },
  error,
  onSchedule,
}: Omit<OneScheduleProps, 'place'> & { suffix: string }) {
  if (rhythm === 'daily')
    return (
      <Field label={`At${suffix}`} hint="Cliniko is least busy at night." error={error}>
        {(ids) => (
          <input
            {...ids}
            type="time"
            value={time}
            onChange={(event) => onSchedule({ time: event.target.value })}
          />
        )}
      </Field>
    );
  if (rhythm !== 'own') return null;
  return (
    <Field label={`Cron expression${suffix}`} hint="Minute, hour, day, month, weekday." error={error}>
      {(ids) => (
        <input {...ids} value={cron} onChange={(event) => onSchedule({ cron: event.target.value })} />
      )}
    </Field>
  );
}
