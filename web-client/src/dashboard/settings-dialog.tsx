/**
 * The settings for a clinic's administrator: name and country, strictness, schedule, and the key. Loaded when opened.
 */
import { Dialog } from '@base-ui/react/dialog';
import type { Organization } from '#contract/organization.ts';
import type { Api } from '../api.ts';
import { Icon } from '../ui/icon.tsx';
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
    <Dialog.Root defaultOpen onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <div className="dialog-head">
            <Dialog.Title className="dialog-title">{title}</Dialog.Title>
            <Dialog.Close className="btn btn-icon btn-bare" aria-label="Close">
              <Icon name="cross" />
            </Dialog.Close>
          </div>
          <SettingsForm
            key={organization === null ? 'new' : 'known'}
            api={api}
            organizationId={organizationId}
            organization={organization}
            onSaved={onSaved}
          />
          {organization !== null && <KeyForm api={api} organization={organization} onSaved={onSaved} />}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
