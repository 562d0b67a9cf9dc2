/**
 * Filters the list by text and by state. By keyboard, Escape clears the text and then leaves the field, so that the single keys work
 * again; Enter goes to the first row.
 */
import type { KeyboardEvent, RefObject } from 'react';
import { formatCount } from '#contract/count.ts';
import type { OverviewState } from '#contract/overview.ts';
import { Icon } from '../ui/icon.tsx';
import { type Listing, STATES } from './listing.ts';
import { STATE_WORDS } from './rows.ts';

export interface FilterBarProps {
  input: RefObject<HTMLInputElement | null>;
  listing: Listing;
  onListing(listing: Listing): void;
  counts: Record<OverviewState, number>;
  total: number;
  /** The focus goes to the list. */
  onEnter(): void;
  onHelp(): void;
}

export function FilterBar({ input, listing, onListing, counts, total, onEnter, onHelp }: FilterBarProps) {
  const narrowTo = (state: OverviewState | null) => () => onListing({ ...listing, state, cause: null });
  const onKey = ({ key, currentTarget, nativeEvent }: KeyboardEvent<HTMLInputElement>): void => {
    // Of an input method, which takes the key to compose a word.
    if (nativeEvent.isComposing) return;
    if (key === 'Enter') onEnter();
    if (key !== 'Escape') return;
    if (listing.text === '') currentTarget.blur();
    else onListing({ ...listing, text: '' });
  };
  const isPlain = listing.state === null && listing.cause === null;
  // A state that no organization has is no filter, unless it is the chosen one.
  const offered = STATES.filter((state) => counts[state] > 0 || listing.state === state);
  return (
    <search className="filter">
      <div className="filter-text">
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          placeholder="Search name, id, state, cause"
          aria-label="Search name, id, state, cause"
          aria-keyshortcuts="/"
          value={listing.text}
          onChange={(event) => onListing({ ...listing, text: event.target.value })}
          onKeyDown={onKey}
        />
        <span className="key" aria-hidden="true">
          /
        </span>
      </div>
      <fieldset className="state-filters">
        <legend className="undrawn">State</legend>
        <StateButton label="All" count={total} isChosen={isPlain} onChoose={narrowTo(null)} />
        {offered.map((state) => (
          <StateButton
            key={state}
            state={state}
            label={STATE_WORDS[state]}
            count={counts[state]}
            isChosen={listing.state === state}
            onChoose={narrowTo(listing.state === state ? null : state)}
          />
        ))}
      </fieldset>
      <button type="button" className="btn btn-small help" aria-keyshortcuts="?" onClick={onHelp}>
        Keys <kbd>?</kbd>
      </button>
    </search>
  );
}

interface StateButtonProps {
  state?: OverviewState;
  label: string;
  count: number;
  isChosen: boolean;
  onChoose(): void;
}

function StateButton({ state, label, count, isChosen, onChoose }: StateButtonProps) {
  return (
    <button
      type="button"
      className="state-filter"
      data-state={state ?? 'all'}
      data-any={count > 0}
      aria-pressed={isChosen}
      onClick={onChoose}
    >
      {label} <span className="state-filter-count">{formatCount(count)}</span>
    </button>
  );
}
