/**
 * The settings for a clinic's administrator: name and country, strictness, schedule, and the key. Loaded when opened.
 */
import type { Organization } from '#contract/organization.ts';
import type { Api } from '../api.ts';
import { DialogFrame } from '../ui/dialog-frame.tsx';
import { KeyForm } from './key-form.tsx';
import { SettingsForm } from './settings-form.tsx';

export interface SettingsDialogProps {
  api: Api;
  organizationId: number;
  /** Null: the dialog registers it. */
  organization: Organization | null;
  onSaved(): void;
  onClose(): void;
}

export function SettingsDialog({ api, organizationId, organization, onSaved, onClose }: SettingsDialogProps) {
  const title = organization === null ? `Register organization ${organizationId}` : 'Settings';
  return (
    <DialogFrame title={title} onClose={onClose}>
      <SettingsForm
        key={organization === null ? 'new' : 'known'}
        api={api}
        organizationId={organizationId}
        organization={organization}
        onSaved={onSaved}
      />
      {organization !== null && <KeyForm api={api} organization={organization} onSaved={onSaved} />}
    </DialogFrame>
  );
}
