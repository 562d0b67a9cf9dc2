/** The keyboard shortcuts of the console, opened by `?`. */
import { Dialog } from '@base-ui/react/dialog';
import { Icon } from '../ui/icon.tsx';

const KEYS: readonly [key: string, does: string][] = [
  ['/', 'Search by name, id or state'],
  ['j', 'Next organization'],
  ['k', 'Previous organization'],
  ['Enter', 'Open its dashboard'],
  ['c', 'Cancel its sync, after a question'],
  ['Esc', 'Clear the search, close a dialog'],
  ['?', 'These keys'],
];

export function HelpDialog({ onClose }: { onClose(): void }) {
  return (
    <Dialog.Root defaultOpen onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog dialog-small">
          <div className="dialog-head">
            <Dialog.Title className="dialog-title">Keys</Dialog.Title>
            <Dialog.Close className="btn btn-icon btn-bare" aria-label="Close">
              <Icon name="cross" />
            </Dialog.Close>
          </div>
          <dl className="keys">
            {KEYS.map(([key, does]) => (
              <div key={key} className="key-row">
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
