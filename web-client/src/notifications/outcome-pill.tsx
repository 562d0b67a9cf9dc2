/** What became of a message, in a few words and one colour. */
import { Icon } from '../ui/icon.tsx';
import type { Outcome } from './labels.ts';

export function OutcomePill({ outcome: { pill, icon, words } }: { outcome: Outcome }) {
  return (
    <span className="pill" data-pill={pill}>
      {icon !== null && <Icon name={icon} />}
      {words}
    </span>
  );
}
