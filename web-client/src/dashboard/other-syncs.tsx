/** The menu of the syncs besides the guide's button. Loaded by the first press, and open then. */
import { Menu } from '@base-ui/react/menu';
import type { OperationType } from '#contract/sync-log.ts';
import { Icon } from '../ui/icon.tsx';

const OTHERS: readonly { type: OperationType; name: string; meaning: string }[] = [
  { type: 'changed_patients', name: 'Changes only', meaning: 'What changed since the last completed sync' },
  { type: 'active_patients', name: 'Active only', meaning: 'Every patient who is not archived' },
];

export interface OtherSyncsProps {
  isBusy: boolean;
  begin(type: OperationType): () => void;
}

export function OtherSyncs({ isBusy, begin }: OtherSyncsProps) {
  return (
    <Menu.Root defaultOpen>
      <Menu.Trigger className="btn btn-primary btn-icon" aria-label="Other syncs" aria-disabled={isBusy}>
        <Icon name="down" />
      </Menu.Trigger>
      <Menu.Portal container={document.querySelector('main')}>
        <Menu.Positioner className="menu-place" sideOffset={6} align="end">
          <Menu.Popup className="menu">
            {OTHERS.map(({ type, name, meaning }) => (
              <Menu.Item key={type} className="menu-item" disabled={isBusy} onClick={begin(type)}>
                <span className="menu-name">{name}</span>
                <span className="menu-meaning">{meaning}</span>
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
