/** Ends the session of this device, or those of all devices of the account. Loaded when opened. */
import { useState } from 'react';
import { type Account, type Api, messageOf } from '../api.ts';
import { DialogFrame } from '../ui/dialog-frame.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { signOut } from './session.ts';

export interface SignOutDialogProps {
  api: Api;
  account: Account;
  onClose(): void;
}

export function SignOutDialog({ api, account, onClose }: SignOutDialogProps) {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const end = (everywhere: boolean) => (): void => {
    if (isBusy) return;
    setIsBusy(true);
    setError(null);
    api.signOut(everywhere).then(signOut, (failure: unknown) => {
      setError(messageOf(failure));
      setIsBusy(false);
    });
  };
  return (
    <DialogFrame
      title={account.name === null ? 'Sign out' : `Signed in as ${account.name}`}
      onClose={onClose}
    >
      <p>
        “Everywhere” signs out every device that uses this account. Use it when a device is lost or when the
        account was used by another person.
      </p>
      {error !== null && <ErrorNotice words={error} />}
      <div className="dialog-actions">
        <button type="button" className="btn" aria-disabled={isBusy} onClick={end(true)}>
          Sign out everywhere
        </button>
        <button type="button" className="btn btn-primary" aria-disabled={isBusy} onClick={end(false)}>
          Sign out on this device
        </button>
      </div>
    </DialogFrame>
  );
}
