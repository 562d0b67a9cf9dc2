/** The keyboard shortcuts of the console, opened by `?` or its button, and the switch that turns them off. */
import { BASE_PATH } from '../base-path.ts';
import { DialogFrame } from '../ui/dialog-frame.tsx';

type Line = readonly [key: string, does: string];

const KEYS: readonly Line[] = [
  ['/', 'Search name, id, state, cause'],
  ['j', 'Next organization'],
  ['k', 'Previous organization'],
  ['Enter', 'Open its dashboard; in the search: go to the first one'],
];

const ACTIONS: readonly Line[] = [
  ['x', 'Select it; Shift-X selects up to it'],
  ['a', 'Select all that are listed'],
  ['r', 'Try again what failed, after a question'],
  ['s', 'Start a full sync, after a question'],
  ['c', 'Cancel the sync, after a question'],
  ['p', 'Pause, or resume what is paused'],
];

const OTHERS: readonly Line[] = [
  ['Esc', 'Clear the selection or the search, leave the search, close a dialog'],
  ['?', 'These keys'],
];

export interface HelpDialogProps {
  canAct: boolean;
  isOn: boolean;
  onSwitch(isOn: boolean): void;
  onClose(): void;
}

export function HelpDialog({ canAct, isOn, onSwitch, onClose }: HelpDialogProps) {
  return (
    <DialogFrame title="Keys" isSmall onClose={onClose}>
      <dl className="keys">
        {[...KEYS, ...(canAct ? ACTIONS : []), ...OTHERS].map(([key, does]) => (
          <div key={key} className="key-row">
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label className="keys-switch">
        <input type="checkbox" checked={isOn} onChange={(event) => onSwitch(event.target.checked)} />
        Use single keys
      </label>
      <p>
        <a href={`${BASE_PATH}/docs`}>API reference</a>
      </p>
    </DialogFrame>
  );
}
