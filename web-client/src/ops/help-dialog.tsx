/** The keyboard shortcuts of the console, opened by `?`. */
import { BASE_PATH } from '../base-path.ts';
import { DialogFrame } from '../ui/dialog-frame.tsx';

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
    <DialogFrame title="Keys" isSmall onClose={onClose}>
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
      <p>
        <a href={`${BASE_PATH}/docs`}>API reference</a>
      </p>
    </DialogFrame>
  );
}
