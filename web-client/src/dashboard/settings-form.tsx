/** Name, country, strictness and schedule of a clinic, in two tabs that are saved together. Sends only changed fields. */
import { Tabs } from '@base-ui/react/tabs';
import { type FormEvent, useRef } from 'react';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { ClinicFields } from './clinic-fields.tsx';
import { Field, useFocusOnError } from './field.tsx';
import { ScheduleFields } from './schedule-fields.tsx';
import type { DraftProps } from './settings-draft.ts';
import type { SettingsEditor } from './use-settings-draft.ts';

export interface SettingsFormProps {
  editor: SettingsEditor;
  /** Another part is shown: the form keeps its input. */
  isHidden: boolean;
}

export function SettingsForm({ editor, isHidden }: SettingsFormProps) {
  const { draft, onDraft, errors, outcome } = editor;
  const form = useRef<HTMLFormElement>(null);
  useFocusOnError(form, errors);
  const save = (event: FormEvent): void => {
    event.preventDefault();
    editor.save();
  };
  return (
    <form ref={form} className="settings" hidden={isHidden} onSubmit={save} noValidate>
      <Tabs.Panel value="clinic" className="settings" keepMounted>
        <fieldset className="group">
          <legend>Clinic</legend>
          <ClinicFields draft={draft} errors={errors} onDraft={onDraft} />
        </fieldset>
        <StrictnessFields draft={draft} onDraft={onDraft} />
      </Tabs.Panel>
      <Tabs.Panel value="schedule" className="settings" keepMounted>
        <ScheduleFields draft={draft} errors={errors.schedules} onDraft={onDraft} />
      </Tabs.Panel>
      <div className="settings-end">
        <button type="submit" className="btn btn-primary" aria-disabled={outcome.kind === 'saving'}>
          {outcome.kind === 'saving' ? 'Saving…' : 'Save settings'}
        </button>
        <p role="status">{outcome.kind === 'saved' ? 'Saved.' : ''}</p>
        {outcome.kind === 'refused' && <ErrorNotice words={outcome.message} />}
      </div>
    </form>
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
