/** The clinic's Cliniko key: written, never read back, and verified on request. */
import { type FormEvent, useState } from 'react';
import type { KeyVerdict, Organization } from '#contract/organization.ts';
import { type Api, messageOf } from '../api.ts';
import { Field } from './field.tsx';

export interface KeyFormProps {
  api: Api;
  organization: Organization;
  onSaved(): void;
}

type Outcome =
  | { kind: 'none' | 'saving' | 'asking' | 'saved' }
  | { kind: 'verdict'; verdict: KeyVerdict }
  | { kind: 'refused'; message: string };

const TONES: Record<KeyVerdict['verdict'], string> = { valid: 'good', invalid: 'bad', unknown: 'warn' };

export function KeyForm({ api, organization, onSaved }: KeyFormProps) {
  const { organization_id: id, has_credentials: hasKey } = organization;
  const [text, setText] = useState('');
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'none' });
  const isBusy = outcome.kind === 'saving' || outcome.kind === 'asking';
  const refuse = (error: unknown) => setOutcome({ kind: 'refused', message: messageOf(error) });

  const verify = (): void => {
    if (isBusy) return;
    setOutcome({ kind: 'asking' });
    api.verifyKey(id).then((verdict) => setOutcome({ kind: 'verdict', verdict }), refuse);
  };
  const save = (event: FormEvent): void => {
    event.preventDefault();
    if (isBusy || text.trim() === '') return;
    setOutcome({ kind: 'saving' });
    api.saveKey(id, text.trim()).then(() => {
      setText('');
      setOutcome({ kind: 'saved' });
      onSaved();
    }, refuse);
  };
  return (
    <form className="settings" onSubmit={save}>
      <fieldset className="group">
        <legend>Cliniko API key</legend>
        <Field
          label={hasKey ? 'Replace the key' : 'Key'}
          hint={hasKey ? 'One is stored, encrypted. It is never shown again.' : 'From My Info in Cliniko.'}
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
          <button type="submit" className="btn" aria-disabled={isBusy || text.trim() === ''}>
            Store key
          </button>
          <button type="button" className="btn" aria-disabled={isBusy} onClick={verify}>
            {outcome.kind === 'asking' ? 'Checking with Cliniko…' : 'Verify'}
          </button>
          <KeyOutcome outcome={outcome} />
        </div>
      </fieldset>
    </form>
  );
}

function KeyOutcome({ outcome }: { outcome: Outcome }) {
  if (outcome.kind === 'verdict') {
    return (
      <p className="verdict" data-tone={TONES[outcome.verdict.verdict]} role="status">
        {outcome.verdict.detail}
      </p>
    );
  }
  if (outcome.kind === 'refused') {
    return (
      <p className="verdict" data-tone="bad" role="alert">
        {outcome.message}
      </p>
    );
  }
  return <p role="status">{outcome.kind === 'saved' ? 'Stored. Verify it now.' : ''}</p>;
}
