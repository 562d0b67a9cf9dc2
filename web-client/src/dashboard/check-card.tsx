/** On the dashboard: how many patients a person has to look at, by reason, with links into their list. */
import { formatCount } from '#contract/count.ts';
import { Icon } from '../ui/icon.tsx';
import { handOverToHeading } from '../ui/restore-focus.ts';
import { addressOfCheck } from './address.ts';
import { CHECK_WORDS, hasReadNothing, NOTHING_READ } from './check-words.ts';
import type { Records } from './use-records.ts';

export interface CheckCardProps {
  organizationId: number;
  records: Records;
}

export function CheckCard({ organizationId, records }: CheckCardProps) {
  const { summary, toCheck, toCheckError, error, readAgain } = records;
  // An empty list says nothing until it is known whether patients have been read.
  const isUnknown = toCheck === null || (toCheck.length === 0 && summary === null);
  return (
    <section className="card check-card" aria-labelledby="check-title">
      <div className="card-head">
        <h2 id="check-title">Patients to check</h2>
      </div>
      {toCheckError !== null && (
        <p className="empty check-unread">
          <Icon name="warning" /> It could not be read whether patients are held or not stored.{' '}
          <button ref={handOverToHeading} type="button" className="btn btn-small" onClick={readAgain}>
            Try again
          </button>
        </p>
      )}
      {isUnknown && error === null && <p className="empty">Reading…</p>}
      {toCheck?.length === 0 && summary !== null && toCheckError === null && (
        <p className="empty">
          {hasReadNothing(summary) ? (
            NOTHING_READ
          ) : (
            <>
              <Icon name="done" /> No patient has to be checked.
            </>
          )}
        </p>
      )}
      {toCheck !== null && toCheck.length > 0 && (
        <ul className="check-reasons">
          {toCheck.map(({ reason, count }) => (
            <li key={reason}>
              <a href={addressOfCheck(organizationId, reason)}>{CHECK_WORDS[reason]}</a>
              <span className="count">{formatCount(count)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
