/** In the sync card: patients disappeared from Cliniko all at once, and a person has to decide about them. */
import { formatPatients } from '#contract/count.ts';
import { Icon } from '../ui/icon.tsx';
import { addressOfCheck } from './address.ts';

export interface HeldNoticeProps {
  organizationId: number;
  /** Patients. */
  held: number;
}

export function HeldNotice({ organizationId, held }: HeldNoticeProps) {
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
