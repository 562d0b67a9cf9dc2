/** The clinic's Cliniko key: written, never read back, and stored only when Cliniko accepts it. */
import { type FormEvent, type RefObject, useEffect, useRef, useState } from 'react';
import type { KeyVerdict, Organization } from '#contract/organization.ts';
import { type Api, messageOf } from '../api.ts';
import { Field } from './field.tsx';

export interface KeyFormProps {
  api: Api;
  organization: Organization;
  field: RefObject<HTMLInputElement | null>;
  /** The new key, as typed: the dialog asks before it is lost. */
  text: string;
  onText(text: string): void;
  onSaved(): void;
}

type Outcome =
  | { kind: 'none' | 'saving' | 'asking' }
  /** The new key was not stored: said at its field. */
  | { kind: 'refused'; words: string }
  | { kind: 'answer'; tone: 'good' | 'warn' | 'bad'; words: string };

const TONES: Record<KeyVerdict['verdict'], 'good' | 'warn' | 'bad'> = {
  valid: 'good',
  invalid: 'bad',
  missing: 'warn',
  unknown: 'warn',
};

export function KeyForm({ api, organization, field, text, onText, onSaved }: KeyFormProps) {
  const { organization_id: id, has_credentials: hasKey } = organization;
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'none' });
  const isBusy = outcome.kind === 'saving' || outcome.kind === 'asking';
  const isEmpty = text.trim() === '';
  const newest = useRef(text);
  newest.current = text;
  const answer = (tone: 'good' | 'warn' | 'bad', words: string) =>
    setOutcome({ kind: 'answer', tone, words });
  useEffect(() => {
    if (outcome.kind === 'refused') field.current?.focus();
  }, [outcome, field]);

  const checkAndSave = (event: FormEvent): void => {
    event.preventDefault();
    if (isBusy) return;
    if (isEmpty) {
      setOutcome({ kind: 'refused', words: 'Paste the API key of the clinic.' });
      return;
    }
    setOutcome({ kind: 'saving' });
    api.saveCheckedKey(id, text.trim()).then(
      () => {
        const isTypedSince = newest.current !== text;
        if (!isTypedSince) onText('');
        answer('good', isTypedSince ? STORED_BEFORE : 'Cliniko accepts this key. It is stored.');
        onSaved();
      },
      (error: unknown) => {
        const words = hasKey ? `${messageOf(error)} ${UNCHANGED}` : messageOf(error);
        if (newest.current === text) setOutcome({ kind: 'refused', words });
        else answer('bad', `The key before: ${words}`);
      },
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
    <form className="settings" onSubmit={checkAndSave} noValidate>
      <fieldset className="group">
        <legend>Cliniko API key</legend>
        <KeyField
          field={field}
          hasKey={hasKey}
          text={text}
          error={outcome.kind === 'refused' ? outcome.words : undefined}
          onText={(typed) => {
            onText(typed);
            // A verdict on another text does not apply to this one.
            if (!isBusy) setOutcome({ kind: 'none' });
          }}
        />
        <div className="settings-end">
          <button type="submit" className="btn btn-primary" aria-disabled={isBusy}>
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

interface KeyFieldProps extends Pick<KeyFormProps, 'field' | 'text' | 'onText'> {
  hasKey: boolean;
  error: string | undefined;
}

function KeyField({ field, hasKey, text, error, onText }: KeyFieldProps) {
  return (
    <Field label={hasKey ? 'Replace the key' : 'Key'} hint={hasKey ? STORED : FROM_CLINIKO} error={error}>
      {(ids) => (
        <input
          {...ids}
          ref={field}
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => onText(event.target.value)}
        />
      )}
    </Field>
  );
}

const STORED =
  'One is stored, encrypted. It is never shown again. A new key replaces it only when Cliniko accepts it.';
const FROM_CLINIKO = 'From My Info in Cliniko. It is stored only when Cliniko accepts it.';
const UNCHANGED = 'The stored key stays in use.';
const STORED_BEFORE = 'Cliniko accepts the key before. It is stored, and what you typed since is not.';

function KeyOutcome({ outcome }: { outcome: Outcome }) {
  if (outcome.kind !== 'answer') return <p role="status" />;
  return (
    <p className="verdict" data-tone={outcome.tone} role={outcome.tone === 'bad' ? 'alert' : 'status'}>
      {outcome.words}
    </p>
  );
}
