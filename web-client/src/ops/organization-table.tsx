/**
 * The list of organizations. Only visible rows are in the document, so hundreds cost no more than a screenful. ARIA
 * attributes give screen readers the full count. The page itself scrolls.
 */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { useNow } from '../hooks/use-now.ts';
import { isRunning, type OrganizationState } from '../live/organization-state.ts';
import { Icon } from '../ui/icon.tsx';
import type { Sort } from './listing.ts';
import { OrganizationRow } from './organization-row.tsx';
import { COLUMN_HEAD, ROW, ROWS, TABLE } from './table-roles.ts';
import { useRowHeight } from './use-row-height.ts';

export interface TableHandle {
  /** Moves the focus `by` rows down, or to the first row. */
  step(by: 1 | -1): void;
  /** The organization of the focused row. */
  focused(): number | null;
}

export interface OrganizationTableProps {
  states: readonly OrganizationState[];
  names: ReadonlyMap<number, string>;
  sort: Sort;
  onSort(sort: Sort): void;
  handle: RefObject<TableHandle | null>;
  /** The connection is lost: nothing ticks. */
  isFrozen: boolean;
}

const COLUMNS: readonly { words: string; sort?: Sort; direction?: 'ascending' | 'descending' }[] = [
  { words: 'Organization', sort: 'name', direction: 'ascending' },
  { words: 'State', sort: 'state', direction: 'ascending' },
  { words: 'Progress', sort: 'progress', direction: 'ascending' },
  { words: 'Time left' },
  { words: 'Started', sort: 'started', direction: 'descending' },
  { words: 'Duration' },
];

const OVERSCAN = 6;

export function OrganizationTable(props: OrganizationTableProps) {
  const { states, names, sort, onSort, handle, isFrozen } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const height = useRowHeight();
  const [offset, setOffset] = useState(0);
  const virtualizer = useWindowVirtualizer({
    count: states.length,
    estimateSize: () => height,
    overscan: OVERSCAN,
    scrollMargin: offset,
    getItemKey: (index) => states[index]?.organizationId ?? index,
  });
  // The content above the list may have grown.
  useLayoutEffect(() => {
    const top = (body.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    setOffset((before) => (Math.abs(before - top) < 1 ? before : top));
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the virtualizer caches sizes, so a change must reset it.
  useLayoutEffect(() => virtualizer.measure(), [height]);
  useFocusByKeyboard(handle, body, states, (index) => virtualizer.scrollToIndex(index));

  const now = useNow(!isFrozen && states.some(isRunning));
  return (
    <div className="card ops-card">
      <table {...TABLE} className="ops" aria-rowcount={states.length + 1} aria-label="Organizations">
        <Head sort={sort} onSort={onSort} />
        <tbody {...ROWS} ref={body} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const state = states[index];
            if (state === undefined) return null;
            return (
              <OrganizationRow
                key={state.organizationId}
                state={state}
                name={names.get(state.organizationId)}
                place={index + 1}
                top={start - offset}
                now={isRunning(state) ? now : undefined}
                isFrozen={isFrozen}
              />
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Head({ sort, onSort }: { sort: Sort; onSort(sort: Sort): void }) {
  return (
    <thead {...ROWS}>
      <tr {...ROW} aria-rowindex={1} className="ops-row">
        {COLUMNS.map(({ words, sort: by, direction }) => (
          <th
            key={words}
            {...COLUMN_HEAD}
            aria-sort={by === sort ? direction : undefined}
            className={words === 'Duration' ? 'number' : undefined}
          >
            {by === undefined ? (
              words
            ) : (
              <button type="button" className="sort" onClick={() => onSort(by)}>
                {words}
                {by === sort && <Icon name="down" />}
              </button>
            )}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/**
 * Focuses the link of a row, so that Enter opens it and screen readers follow. Browsers blur an element that moves in
 * the document, so a moved row gets its focus back.
 */
function useFocusByKeyboard(
  handle: RefObject<TableHandle | null>,
  body: RefObject<HTMLTableSectionElement | null>,
  states: readonly OrganizationState[],
  scrollTo: (index: number) => void,
): void {
  const wanted = useRef<number | null>(null);
  /** The requested row is not in the document yet. Keys may arrive faster than renders: they continue from there. */
  const isAwaited = useRef(false);
  const focusWanted = (): void => {
    const link = body.current?.querySelector<HTMLElement>(`tr[data-organization="${wanted.current}"] a`);
    if (!link) return;
    isAwaited.current = false;
    link.focus({ preventScroll: true });
  };
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    if (isAwaited.current || document.activeElement === document.body) focusWanted();
  });
  useEffect(() => {
    // A pointer press elsewhere leaves the row intentionally.
    const forget = (): void => {
      wanted.current = null;
      isAwaited.current = false;
    };
    document.addEventListener('pointerdown', forget);
    return () => document.removeEventListener('pointerdown', forget);
  }, []);
  useImperativeHandle(handle, () => ({
    step(by) {
      const here = isAwaited.current ? wanted.current : focusedIn(body.current);
      const from = states.findIndex(({ organizationId }) => organizationId === here);
      const index = from === -1 ? 0 : Math.min(states.length - 1, Math.max(0, from + by));
      wanted.current = states[index]?.organizationId ?? null;
      isAwaited.current = true;
      scrollTo(index);
      focusWanted();
    },
    focused: () => focusedIn(body.current),
  }));
}

function focusedIn(body: HTMLElement | null): number | null {
  const row = document.activeElement?.closest('tr[data-organization]');
  if (!(row instanceof HTMLElement) || !body?.contains(row)) return null;
  return Number(row.dataset.organization);
}
