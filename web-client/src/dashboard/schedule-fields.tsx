/** The schedule of automatic syncs. */
import { Field } from './field.tsx';
import type { Rhythm } from './settings-draft.ts';
import type { DraftProps } from './settings-form.tsx';

const RHYTHMS: readonly [Rhythm, string][] = [
  ['off', 'Never'],
  ['daily', 'Every day'],
  ['hourly', 'Every hour'],
  ['own', 'By a cron expression'],
];

export function ScheduleFields({ draft, onDraft }: DraftProps) {
  return (
    <fieldset className="group">
      <legend>Schedule</legend>
      <div className="field-pair">
        <Field
          label="Automatic sync"
          hint="In the clinic’s time zone, with a random delay of up to ten minutes."
        >
          {(ids) => (
            <select
              {...ids}
              className="select"
              value={draft.rhythm}
              onChange={(event) =>
                onDraft({ rhythm: RHYTHMS.find(([rhythm]) => rhythm === event.target.value)?.[0] ?? 'off' })
              }
            >
              {RHYTHMS.map(([rhythm, words]) => (
                <option key={rhythm} value={rhythm}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
        {draft.rhythm === 'daily' && (
          <Field label="At" hint="Cliniko is least busy at night.">
            {(ids) => (
              <input
                {...ids}
                type="time"
                required
                value={draft.time}
                onChange={(event) => onDraft({ time: event.target.value })}
              />
            )}
          </Field>
        )}
        {draft.rhythm === 'own' && (
          <Field label="Cron expression" hint="Minute, hour, day, month, weekday.">
            {(ids) => (
              <input
                {...ids}
                required
                value={draft.cron}
                onChange={(event) => onDraft({ cron: event.target.value })}
              />
            )}
          </Field>
        )}
      </div>
    </fieldset>
  );
}
