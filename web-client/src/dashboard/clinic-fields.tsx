/** Name, country and time zone of a clinic: in its settings, and when it is added. */
import { Field } from './field.tsx';
import { type ClinicDraft, countryName, timeZones } from './settings-draft.ts';

export interface ClinicFieldsProps {
  draft: ClinicDraft;
  errors?: Partial<Record<keyof ClinicDraft, string>>;
  onDraft(part: Partial<ClinicDraft>): void;
}

export function ClinicFields({ draft, errors = {}, onDraft }: ClinicFieldsProps) {
  return (
    <>
      <Field label="Name" hint="The name that your team uses." error={errors.name}>
        {(ids) => (
          <input
            {...ids}
            value={draft.name}
            maxLength={200}
            autoComplete="off"
            onChange={(event) => onDraft({ name: event.target.value })}
          />
        )}
      </Field>
      <div className="field-pair">
        <Field
          label="Country"
          hint={countryName(draft.country) ?? 'Two letters, such as AU.'}
          error={errors.country}
        >
          {(ids) => (
            <input
              {...ids}
              value={draft.country}
              maxLength={2}
              autoComplete="off"
              onChange={(event) => onDraft({ country: event.target.value.toUpperCase() })}
            />
          )}
        </Field>
        <Field label="Time zone" hint="For the schedule." error={errors.timeZone}>
          {(ids) => (
            <select
              {...ids}
              className="select"
              value={draft.timeZone}
              onChange={(event) => onDraft({ timeZone: event.target.value })}
            >
              {draft.timeZone === '' && <option value="">Choose the time zone</option>}
              {timeZones(draft.timeZone).map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </select>
          )}
        </Field>
      </div>
    </>
  );
}
