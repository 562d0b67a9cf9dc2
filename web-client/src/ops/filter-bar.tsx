/** Filters the list by text and by state. Escape clears the text. */
import type { RefObject } from 'react';
import { formatCount } from '#contract/count.ts';
import { Icon } from '../ui/icon.tsx';
import { type Filter, STATES, type StateFilter } from './listing.ts';

export interface FilterBarProps {
  input: RefObject<HTMLInputElement | null>;
  filter: Filter;
  onFilter(filter: Filter): void;
  counts: Record<StateFilter, number>;
  total: number;
  onHelp(): void;
}

const WORDS: Record<StateFilter, string> = {
  failed: 'Failed',
  running: 'Running',
  completed: 'Completed',
  never: 'Never synced',
};

export function FilterBar({ input, filter, onFilter, counts, total, onHelp }: FilterBarProps) {
  const narrowTo = (state: StateFilter | null) => () => onFilter({ ...filter, state });
  return (
    <search className="filter">
      <div className="filter-text">
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          placeholder="Search by name, id or state"
          aria-label="Search by name, id or state"
          aria-keyshortcuts="/"
          value={filter.text}
          onChange={(event) => onFilter({ ...filter, text: event.target.value })}
          onKeyDown={(event) => event.key === 'Escape' && onFilter({ ...filter, text: '' })}
        />
        <span className="key" aria-hidden="true">
          /
        </span>
      </div>
      <fieldset className="state-filters">
        <legend className="undrawn">State</legend>
        <StateButton label="All" count={total} isChosen={filter.state === null} onChoose={narrowTo(null)} />
        {STATES.map((state) => (
          <StateButton
            key={state}
            state={state}
            label={WORDS[state]}
            count={counts[state]}
            isChosen={filter.state === state}
            onChoose={narrowTo(filter.state === state ? null : state)}
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
  state?: StateFilter;
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
