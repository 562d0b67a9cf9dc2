/** The second step of adding a clinic: what Cliniko tells about it, for the person to check and to complete. */
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { ClinikoAccount } from '#contract/organization.ts';
import type { Api } from '../api.ts';
import { useUnsavedWarning } from '../hooks/use-unsaved-warning.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { ClinicFields } from './clinic-fields.tsx';
import { Field, useFocusOnError } from './field.tsx';
import { type AcceptedKey, type NewClinicDraft, newClinicDraft } from './new-clinic.ts';
import { useAddClinic } from './use-add-clinic.ts';

export interface NewClinicFormProps extends AcceptedKey {
  api: Api;
}

export function NewClinicForm({ api, apiKey, account, id }: NewClinicFormProps) {
  const form = useRef<HTMLFormElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [draft, setDraft] = useState(() => newClinicDraft(account, id));
  const { progress, errors, refusal, add } = useAddClinic(api, apiKey, draft);
  const isBusy = progress === 'adding' || progress === 'added';
  const isAdded = progress === 'registered' && refusal === null;
  useFocusOnError(form, errors);
  useUnsavedWarning(progress !== 'added');
  // The form of the key is gone, and the focus with it.
  useEffect(() => heading.current?.focus(), []);

  const onDraft = (part: Partial<NewClinicDraft>): void => setDraft((before) => ({ ...before, ...part }));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isBusy) void add();
  };
  return (
    <form ref={form} className="card settings" onSubmit={submit} noValidate>
      <div>
        <h2 ref={heading} tabIndex={-1}>
          Cliniko accepts the key
        </h2>
        <p className="soft">{detailsText(account)}</p>
      </div>
      <ClinicFields draft={draft} errors={errors} onDraft={onDraft} />
      <Field
        label="Organization id"
        hint="A number that stands for the clinic in addresses and in the database. It never changes."
        error={errors.id}
      >
        {(ids) => (
          <input
            {...ids}
            inputMode="numeric"
            autoComplete="off"
            readOnly={progress !== 'none'}
            value={draft.id}
            onChange={(event) => onDraft({ id: event.target.value })}
          />
        )}
      </Field>
      <div className="settings-end">
        <button type="submit" className="btn btn-primary" aria-disabled={isBusy}>
          {isBusy ? 'Adding…' : isAdded ? 'Save and open the clinic' : 'Add the clinic'}
        </button>
        <p role="status">{isAdded && 'Added, without the changes since then.'}</p>
      </div>
      {refusal !== null && <ErrorNotice words={refusal} />}
    </form>
  );
}

function detailsText(account: ClinikoAccount | null): string {
  if (account === null) return 'It did not tell about the clinic: fill in the fields.';
  const isComplete = account.name !== null && account.country !== null && account.time_zone !== null;
  return isComplete
    ? 'These details come from Cliniko. Change what is not right.'
    : 'It did not tell everything about the clinic: fill in the empty fields.';
}
