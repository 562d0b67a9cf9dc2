/** The first step of adding a clinic: its Cliniko API key, which Cliniko has to accept. */
import { type FormEvent, useRef, useState } from 'react';
import { type Api, messageOf } from '../api.ts';
import { useUnsavedWarning } from '../hooks/use-unsaved-warning.ts';
import { Field, useFocusOnError } from './field.tsx';
import { type AcceptedKey, nextFreeId } from './new-clinic.ts';

export interface NewKeyFormProps {
  api: Api;
  proposedId: number | undefined;
  onAccepted(accepted: AcceptedKey): void;
}

export function NewKeyForm({ api, proposedId, onAccepted }: NewKeyFormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [text, setText] = useState('');
  const newest = useRef(text);
  newest.current = text;
  const [isAsking, setIsAsking] = useState(false);
  const [errors, setErrors] = useState<{ key?: string }>({});
  useFocusOnError(form, errors);
  useUnsavedWarning(text !== '');

  const ask = async (): Promise<void> => {
    const apiKey = text.trim();
    if (apiKey === '') return setErrors({ key: 'Paste the API key of the clinic.' });
    setIsAsking(true);
    setErrors({});
    const answer = await verify(api, proposedId, apiKey);
    setIsAsking(false);
    // A verdict on another text does not apply to what was typed since.
    if (newest.current !== text) return;
    if (typeof answer === 'string') setErrors({ key: answer });
    else onAccepted(answer);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isAsking) void ask();
  };
  return (
    <form ref={form} className="card settings" onSubmit={submit} noValidate>
      <Field
        label="Cliniko API key"
        hint="From My Info in Cliniko. Its user must be allowed to read patients."
        error={errors.key}
      >
        {(ids) => (
          <input
            {...ids}
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <div className="settings-end">
        <button type="submit" className="btn btn-primary" aria-disabled={isAsking}>
          {isAsking ? 'Checking with Cliniko…' : 'Check the key'}
        </button>
      </div>
      <p className="hint">Nothing is stored yet. The key is only sent to Cliniko.</p>
    </form>
  );
}

/** @returns why the key is not accepted, or the accepted key */
async function verify(
  api: Api,
  proposedId: number | undefined,
  apiKey: string,
): Promise<AcceptedKey | string> {
  try {
    const { organizations } = await api.organizations();
    const id = proposedId ?? nextFreeId(organizations.map(({ organization_id }) => organization_id));
    const { verdict, detail, account = null } = await api.verifyKey(id, apiKey);
    return verdict === 'valid' ? { apiKey, account, id } : detail;
  } catch (error) {
    return messageOf(error);
  }
}
