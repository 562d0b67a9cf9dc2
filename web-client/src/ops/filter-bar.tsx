/** Narrows the list down: by words, and by how an organization stands. `/` goes to the words, Escape clears them. */
import { useEffect, useRef } from 'react';
import { formatCount } from '../look/words.ts';
import { type Filter, STANDINGS, type StandingWord } from './listing.ts';

export interface FilterBarProps {
  filter: Filter;
  onFilter(filter: Filter): void;
  counts: Record<StandingWord, number>;
  total: number;
}

const WORDS: Record<StandingWord, string> = {
  failed: 'Failed',
  running: 'Running',
  completed: 'Completed',
  never: 'Never synced',
};

export function FilterBar({ filter, onFilter, counts, total }: FilterBarProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  const narrowTo = (standing: StandingWord | null) => () => onFilter({ ...filter, standing });
  return (
    <search className="filter">
      <div className="filter-text">
        <input
          ref={input}
          type="search"
          placeholder="Filter by name or id"
          aria-label="Filter by name or id"
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
      aria-pressed={isChosen}
      onClick={onChoose}
    >
      {label} <span className="standing-count">{formatCount(count)}</span>
    </button>
  );
}

function isTyping(event: KeyboardEvent): boolean {
  return (
    event.target instanceof HTMLElement && event.target.matches('input, textarea, select, [contenteditable]')
  );
}
