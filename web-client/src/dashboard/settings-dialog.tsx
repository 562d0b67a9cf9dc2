/**
 * The settings for a clinic's administrator: name and country, strictness, schedule, and the key. Loaded when opened.
 */
import { useRef } from 'react';
import type { Organization } from '#contract/organization.ts';
import type { Api } from '../api.ts';
import { DialogFrame } from '../ui/dialog-frame.tsx';
import { KeyForm } from './key-form.tsx';
import { SettingsForm } from './settings-form.tsx';

export type SettingsPart = 'all' | 'key';

export interface SettingsDialogProps {
  api: Api;
  organizationId: number;
  /** Null: the dialog registers it. */
  organization: Organization | null;
  /** The part that gets the focus. */
  part: SettingsPart;
  onSaved(): void;
  onClose(): void;
}

export function SettingsDialog(props: SettingsDialogProps) {
  const { api, organizationId, organization, part, onSaved, onClose } = props;
  const keyField = useRef<HTMLInputElement>(null);
  const wasRegistered = useRef(organization !== null);
  const title = organization === null ? `Register organization ${organizationId}` : 'Settings';
  return (
    <DialogFrame title={title} initialFocus={part === 'key' ? keyField : undefined} onClose={onClose}>
      <SettingsForm
        key={organization === null ? 'new' : 'known'}
        api={api}
        organizationId={organizationId}
        organization={organization}
        onSaved={onSaved}
      />
      {organization !== null && (
        <KeyForm
          api={api}
          organization={organization}
          field={keyField}
          isNext={!wasRegistered.current}
          onSaved={onSaved}
        />
      )}
    </DialogFrame>
  );
}
