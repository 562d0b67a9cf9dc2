/** The clinic's Cliniko key: written, never read back, and stored only when Cliniko accepts it. */
import { type FormEvent, type RefObject, useEffect, useState } from 'react';
import type { KeyVerdict, Organization } from '#contract/organization.ts';
import { type Api, messageOf } from '../api.ts';
import { Field } from './field.tsx';

export interface KeyFormProps {
  api: Api;
  organization: Organization;
  field: RefObject<HTMLInputElement | null>;
  /** The organization has just been registered: the key is the next input. */
  isNext: boolean;
  onSaved(): void;
}

type Outcome =
  | { kind: 'none' | 'saving' | 'asking' }
  | { kind: 'answer'; tone: 'good' | 'warn' | 'bad'; words: string };

const TONES: Record<KeyVerdict['verdict'], 'good' | 'warn' | 'bad'> = {
  valid: 'good',
  invalid: 'bad',
  unknown: 'warn',
};

export function KeyForm({ api, organization, field, isNext, onSaved }: KeyFormProps) {
  const { organization_id: id, has_credentials: hasKey } = organization;
  const [text, setText] = useState('');
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'none' });
  const isBusy = outcome.kind === 'saving' || outcome.kind === 'asking';
  const isEmpty = text.trim() === '';
  const answer = (tone: 'good' | 'warn' | 'bad', words: string) =>
    setOutcome({ kind: 'answer', tone, words });
  useEffect(() => {
    if (isNext) field.current?.focus();
  }, [isNext, field]);

  const checkAndSave = (event: FormEvent): void => {
    event.preventDefault();
    if (isBusy || isEmpty) return;
    setOutcome({ kind: 'saving' });
    api.saveCheckedKey(id, text.trim()).then(
      () => {
        setText('');
        answer('good', 'Cliniko accepts this key. It is stored.');
        onSaved();
      },
      (error: unknown) => answer('bad', hasKey ? `${messageOf(error)} ${UNCHANGED}` : messageOf(error)),
    );
  };
  const checkStored = (): void => {
    if (isBusy) return;
    setOutcome({ kind: 'asking' });
    api.verifyStoredKey(id).then(
      ({ verdict, detail }) => answer(TONES[verdict], `The stored key: ${detail}`),
      (error: unknown) => answer('bad', messageOf(error)),
    );
  };
  return (
    <form className="settings" onSubmit={checkAndSave}>
      <fieldset className="group">
        <legend>Cliniko API key</legend>
        <Field label={hasKey ? 'Replace the key' : 'Key'} hint={hasKey ? STORED : FROM_CLINIKO}>
          {(ids) => (
            <input
              {...ids}
              ref={field}
              type="password"
              autoComplete="off"
              spellCheck={false}
              value={text}
              aria-invalid={outcome.kind === 'answer' && outcome.tone === 'bad' && !isEmpty}
              onChange={(event) => {
                setText(event.target.value);
                // A verdict on another text does not apply to this one.
                if (!isBusy) setOutcome({ kind: 'none' });
              }}
            />
          )}
        </Field>
        <div className="settings-end">
          <button type="submit" className="btn btn-primary" aria-disabled={isBusy || isEmpty}>
            {outcome.kind === 'saving' ? 'Checking with Cliniko…' : 'Check and save'}
          </button>
          {hasKey && (
            <button
              type="button"
              className="btn"
              aria-disabled={isBusy || !isEmpty}
              onClick={() => isEmpty && checkStored()}
            >
              {outcome.kind === 'asking' ? 'Checking with Cliniko…' : 'Check the stored key'}
            </button>
          )}
          <KeyOutcome outcome={outcome} />
        </div>
      </fieldset>
    </form>
  );
}

const STORED =
  'One is stored, encrypted. It is never shown again. A new key replaces it only when Cliniko accepts it.';
const FROM_CLINIKO = 'From My Info in Cliniko. It is stored only when Cliniko accepts it.';
const UNCHANGED = 'The stored key stays in use.';

function KeyOutcome({ outcome }: { outcome: Outcome }) {
  if (outcome.kind !== 'answer') return <p role="status" />;
  return (
    <p className="verdict" data-tone={outcome.tone} role={outcome.tone === 'bad' ? 'alert' : 'status'}>
      {outcome.words}
    </p>
  );
}
