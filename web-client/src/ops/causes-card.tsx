/** The failures by cause, each with the one action that helps. */
import { clinics } from './actions.ts';
import type { Listing } from './listing.ts';
import { type CauseGroup, causeWords } from './rows.ts';

export interface CausesCardProps {
  groups: readonly CauseGroup[];
  listing: Listing;
  canAct: boolean;
  onRetry(group: CauseGroup): void;
  onListing(listing: Listing): void;
}

export function CausesCard({ groups, listing, canAct, onRetry, onListing }: CausesCardProps) {
  if (groups.length === 0) return null;
  return (
    <section className="card causes" aria-label="Failures by cause">
      <ul>
        {groups.map((group) => {
          const { cause, ids, canRetry } = group;
          const key = cause ?? 'none';
          const isListed = listing.cause === key;
          const count = clinics(ids.length);
          const show = (): void => onListing({ ...listing, state: null, cause: isListed ? null : key });
          return (
            <li key={key}>
              <p>
                <strong>{count}</strong> {causeWords(cause)}
              </p>
              <button type="button" className="btn btn-small" aria-pressed={isListed} onClick={show}>
                Show
                <span className="undrawn">
                  {' '}
                  {count}: {causeWords(cause)}
                </span>
              </button>
              {canAct && canRetry && (
                <button type="button" className="btn btn-small btn-primary" onClick={() => onRetry(group)}>
                  Try again
                  <span className="undrawn">
                    {' '}
                    {count}: {causeWords(cause)}
                  </span>
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
