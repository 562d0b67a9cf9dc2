/** On the dashboard: patients disappeared from Cliniko all at once, and a person has to decide about them. */
import { formatPatients } from '#contract/count.ts';
import { Icon } from '../ui/icon.tsx';
import { addressOfCheck } from './address.ts';
import type { Records } from './use-records.ts';

export interface HeldNoticeProps {
  organizationId: number;
  records: Records;
}

export function HeldNotice({ organizationId, records: { toCheck } }: HeldNoticeProps) {
  const held = toCheck?.find(({ reason }) => reason === 'HELD')?.count ?? 0;
  if (held === 0) return null;
  return (
    <section className="notice held" data-tone="warn" aria-label="Held disappearances">
      <Icon name="warning" />
      <div>
        <p className="result-message">
          {formatPatients(held)} {held === 1 ? 'is' : 'are'} no longer in Cliniko, and not marked as missing
          yet.
        </p>
        <p>
          <a href={addressOfCheck(organizationId, 'HELD')}>
            {held === 1 ? 'Decide about it' : 'Decide about them'}
          </a>
        </p>
      </div>
    </section>
  );
}
