/** The form of the settings: its input, what of it is not stored yet, and the errors of the last attempt. */
import { useState } from 'react';
import type { Organization } from '#contract/organization.ts';
import { type Api, ApiError } from '../api.ts';
import {
  changeOf,
  draftOf,
  errorsOf,
  type SettingsDraft,
  type SettingsErrors,
  settingsErrors,
} from './settings-draft.ts';

type Outcome = { kind: 'none' | 'saving' | 'saved' } | { kind: 'refused'; message: string };

export interface SettingsEditor {
  draft: SettingsDraft;
  onDraft(part: Partial<SettingsDraft>): void;
  isUnsaved: boolean;
  outcome: Outcome;
  /** New after each attempt that failed. */
  errors: SettingsErrors;
  save(): void;
}

/** @param onErrors before the errors are shown */
export function useSettingsDraft(
  api: Api,
  organization: Organization,
  { onSaved, onErrors }: { onSaved(): void; onErrors(errors: SettingsErrors): void },
): SettingsEditor {
  const [stored, setStored] = useState(organization);
  const [draft, setDraft] = useState(() => draftOf(organization));
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'none' });
  const [errors, setErrors] = useState<SettingsErrors>({});

  const show = (found: SettingsErrors): void => {
    onErrors(found);
    setErrors(found);
    setOutcome({ kind: 'none' });
  };
  const refuse = (error: unknown): void => {
    if (!(error instanceof ApiError)) throw error;
    const found = errorsOf(error, draft);
    if (found === null) setOutcome({ kind: 'refused', message: error.message });
    else show(found);
  };
  const save = (): void => {
    if (outcome.kind === 'saving') return;
    const found = settingsErrors(draft);
    if (Object.keys(found).length > 0) {
      show(found);
      return;
    }
    setErrors({});
    setOutcome({ kind: 'saving' });
    api.saveOrganization(organization.organization_id, changeOf(draft, stored)).then((saved) => {
      setStored(saved);
      // What was typed during the request stays, and is not saved yet.
      setDraft((now) => (now === draft ? draftOf(saved) : now));
      setOutcome({ kind: 'saved' });
      onSaved();
    }, refuse);
  };
  const onDraft = (part: Partial<SettingsDraft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    if (outcome.kind !== 'saving') setOutcome({ kind: 'none' });
  };
  const isUnsaved = Object.keys(changeOf(draft, stored)).length > 0;
  const isOutdated = outcome.kind === 'saved' && isUnsaved;
  return { draft, onDraft, isUnsaved, outcome: isOutdated ? { kind: 'none' } : outcome, errors, save };
}
