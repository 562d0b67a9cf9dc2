/** Name, country, strictness and schedule of a clinic. Sends only changed fields. */
import { type FormEvent, useState } from 'react';
import type { Organization } from '#contract/organization.ts';
import { type Api, messageOf } from '../api.ts';
import { Field } from './field.tsx';
import { ScheduleFields } from './schedule-fields.tsx';
import {
  changeOf,
  countryName,
  type DraftProps,
  draftOf,
  type SettingsDraft,
  timeZones,
} from './settings-draft.ts';

export interface SettingsFormProps {
  api: Api;
  organizationId: number;
  organization: Organization | null;
  onSaved(): void;
}

type Outcome = { kind: 'none' | 'saving' | 'saved' } | { kind: 'refused'; message: string };

export function SettingsForm({ api, organizationId, organization, onSaved }: SettingsFormProps) {
  const [draft, setDraft] = useState(() => draftOf(organization));
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'none' });
  const onDraft = (part: Partial<SettingsDraft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setOutcome({ kind: 'none' });
  };
  const save = (event: FormEvent): void => {
    event.preventDefault();
    if (outcome.kind === 'saving') return;
    setOutcome({ kind: 'saving' });
    api.saveOrganization(organizationId, changeOf(draft, organization)).then(
      () => {
        setOutcome({ kind: 'saved' });
        onSaved();
      },
      (error: unknown) => setOutcome({ kind: 'refused', message: messageOf(error) }),
    );
  };
  return (
    <form className="settings" onSubmit={save}>
      <ClinicFields draft={draft} onDraft={onDraft} />
      <StrictnessFields draft={draft} onDraft={onDraft} />
      <ScheduleFields draft={draft} onDraft={onDraft} />
      <Saving outcome={outcome} action={organization === null ? 'Register' : 'Save settings'} />
    </form>
  );
}

function Saving({ outcome, action }: { outcome: Outcome; action: string }) {
  return (
    <div className="settings-end">
      <button type="submit" className="btn btn-primary" aria-disabled={outcome.kind === 'saving'}>
        {action}
      </button>
      <p role="status">{outcome.kind === 'saved' ? 'Saved.' : ''}</p>
      {outcome.kind === 'refused' && (
        <p className="notice" data-tone="bad" role="alert">
          {outcome.message}
        </p>
      )}
    </div>
  );
}

function ClinicFields({ draft, onDraft }: DraftProps) {
  return (
    <fieldset className="group">
      <legend>Clinic</legend>
      <Field label="Name" hint="The name that your team uses.">
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
        <Field label="Country" hint={countryName(draft.country) ?? 'Two letters, such as AU.'}>
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
        <Field label="Time zone" hint="For the schedule.">
          {(ids) => (
            <select
              {...ids}
              className="select"
              value={draft.timeZone}
              onChange={(event) => onDraft({ timeZone: event.target.value })}
            >
              {timeZones(draft.timeZone).map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </select>
          )}
        </Field>
      </div>
    </fieldset>
  );
}

function StrictnessFields({ draft, onDraft }: DraftProps) {
  return (
    <fieldset className="group">
      <legend>Data quality</legend>
      <div className="field-pair">
        <Field label="Invalid phone number" hint="The country determines how numbers are read.">
          {(ids) => (
            <select
              {...ids}
              className="select"
              value={draft.phone}
              onChange={(event) => onDraft({ phone: event.target.value === 'reject' ? 'reject' : 'warn' })}
            >
              <option value="warn">Store, with a warning</option>
              <option value="reject">Put into quarantine</option>
            </select>
          )}
        </Field>
        <Field label="No email address" hint="Many patients have none.">
          {(ids) => (
            <select
              {...ids}
              className="select"
              value={draft.email}
              onChange={(event) =>
                onDraft({ email: event.target.value === 'require' ? 'require' : 'optional' })
              }
            >
              <option value="optional">Store, with a warning</option>
              <option value="require">Put into quarantine</option>
            </select>
          )}
        </Field>
      </div>
    </fieldset>
  );
}
