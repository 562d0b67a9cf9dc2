/** The totals of the organization's patients, as of the last ended run. */

import { formatCount } from '#contract/count.ts';
import { Icon } from '../ui/icon.tsx';
import { MomentAndDistance } from '../ui/time.tsx';
import { addressOfPatients } from './address.ts';
import type { Records } from './use-records.ts';

export interface TotalsProps {
  organizationId: number;
  records: Records;
}

export function Totals({ organizationId, records: { summary } }: TotalsProps) {
  const last = summary?.last_completed_sync;
  return (
    <section aria-label="Totals">
      <dl className="totals">
        <Total term="Patients" count={summary?.total} />
        <Total term="Active" count={summary?.active} />
        <Total term="Archived" count={summary?.archived} />
        <Total term="Missing in Cliniko" count={summary?.missing} />
        <div>
          <dt>Last completed sync</dt>
          <dd className="total-moment">
            {last?.completed_at ? (
              <MomentAndDistance at={last.completed_at} />
            ) : summary === null ? (
              '–'
            ) : (
              'Never'
            )}
          </dd>
        </div>
      </dl>
      <p className="totals-link">
        <a href={addressOfPatients(organizationId)}>
          <Icon name="people" /> Show the patients
        </a>
      </p>
    </section>
  );
}

function Total({ term, count }: { term: string; count: number | undefined }) {
  return (
    <div data-total={term.toLowerCase().replaceAll(' ', '-')}>
      <dt>{term}</dt>
      <dd>{count === undefined ? '–' : formatCount(count)}</dd>
    </div>
  );
}
