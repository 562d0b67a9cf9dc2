/** Narrows the list down: by words, and by how an organization stands. Escape clears the words. */
import type { RefObject } from 'react';
import { Icon } from '../look/icon.tsx';
import { formatCount } from '../look/words.ts';
import { type Filter, STANDINGS, type StandingWord } from './listing.ts';

export interface FilterBarProps {
  input: RefObject<HTMLInputElement | null>;
  filter: Filter;
  onFilter(filter: Filter): void;
  counts: Record<StandingWord, number>;
  total: number;
  onHelp(): void;
}

const WORDS: Record<StandingWord, string> = {
  failed: 'Failed',
  running: 'Running',
  completed: 'Completed',
  never: 'Never synced',
};

export function FilterBar({ input, filter, onFilter, counts, total, onHelp }: FilterBarProps) {
  const narrowTo = (standing: StandingWord | null) => () => onFilter({ ...filter, standing });
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
      <fieldset className="standings">
        <legend className="undrawn">State</legend>
        <Standing label="All" count={total} isChosen={filter.standing === null} onChoose={narrowTo(null)} />
        {STANDINGS.map((standing) => (
          <Standing
            key={standing}
            standing={standing}
            label={WORDS[standing]}
            count={counts[standing]}
            isChosen={filter.standing === standing}
            onChoose={narrowTo(filter.standing === standing ? null : standing)}
          />
        ))}
      </fieldset>
      <button type="button" className="btn btn-small help" aria-keyshortcuts="?" onClick={onHelp}>
        Keys <kbd>?</kbd>
      </button>
    </search>
  );
}

interface StandingProps {
  standing?: StandingWord;
  label: string;
  count: number;
  isChosen: boolean;
  onChoose(): void;
}

function Standing({ standing, label, count, isChosen, onChoose }: StandingProps) {
  return (
    <button
      type="button"
      className="standing"
      data-standing={standing ?? 'all'}
      data-any={count > 0}
      aria-pressed={isChosen}
      onClick={onChoose}
    >
      {label} <span className="standing-count">{formatCount(count)}</span>
    </button>
  );
}
