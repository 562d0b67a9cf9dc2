/**
 * The list of organizations. Only visible rows are in the document, so hundreds cost no more than a screenful. ARIA
 * attributes give screen readers the full count. The page itself scrolls.
 */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { useNow } from '../hooks/use-now.ts';
import { Icon } from '../ui/icon.tsx';
import type { Sort } from './listing.ts';
import { OrganizationRow } from './organization-row.tsx';
import type { ConsoleRow } from './rows.ts';
import { COLUMN_HEAD, ROW, ROWS, TABLE } from './table-roles.ts';
import { useIsPrinting } from './use-is-printing.ts';
import { useRowHeight } from './use-row-height.ts';
import type { Selection } from './use-selection.ts';

export interface TableHandle {
  /** Moves the focus `by` rows down, or to the first row. */
  step(by: 1 | -1): void;
  /** The organization of the focused row. */
  focused(): number | null;
}

export interface OrganizationTableProps {
  rows: readonly ConsoleRow[];
  /** Null: the person may not act, and nothing can be selected. */
  selection: Selection | null;
  sort: Sort;
  onSort(sort: Sort): void;
  handle: RefObject<TableHandle | null>;
  /** The connection is lost: nothing ticks. */
  isFrozen: boolean;
  /** Pixels at the end of the window that something covers. */
  covered: number;
}

const COLUMNS: readonly { words: string; sort: Sort; direction: 'ascending' | 'descending' }[] = [
  { words: 'Clinic', sort: 'name', direction: 'ascending' },
  { words: 'State', sort: 'state', direction: 'ascending' },
  { words: 'Cause or progress', sort: 'progress', direction: 'ascending' },
  { words: 'Last success', sort: 'success', direction: 'ascending' },
  { words: 'Next', sort: 'next', direction: 'ascending' },
  { words: 'Errors, held', sort: 'trouble', direction: 'descending' },
];

const OVERSCAN = 6;

export function OrganizationTable(props: OrganizationTableProps) {
  const { rows, selection, sort, onSort, handle, isFrozen, covered } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const height = useRowHeight();
  // Paper has no window: it shows every row, one below the other.
  const isPrinting = useIsPrinting();
  const [offset, setOffset] = useState(0);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => height,
    overscan: isPrinting ? rows.length : OVERSCAN,
    scrollMargin: offset,
    scrollPaddingEnd: covered,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  // The content above the list may have grown.
  useLayoutEffect(() => {
    const top = (body.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    setOffset((before) => (Math.abs(before - top) < 1 ? before : top));
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the virtualizer caches sizes, so a change must reset it.
  useLayoutEffect(() => virtualizer.measure(), [height]);
  useFocusByKeyboard(handle, body, rows, (index) => virtualizer.scrollToIndex(index));

  const now = useNow(!isFrozen);
  const minute = now - (now % 60_000);
  return (
    <div className="card ops-card">
      <table {...TABLE} className="ops" aria-rowcount={rows.length + 1} aria-label="Organizations">
        <Head sort={sort} onSort={onSort} selection={selection} total={rows.length} />
        <tbody {...ROWS} ref={body} style={isPrinting ? undefined : { height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <OrganizationRow
                key={row.id}
                row={row}
                place={index + 1}
                top={isPrinting ? undefined : start - offset}
                now={row.log?.status === 'running' ? now : minute}
                isSelected={selection?.has(row.id)}
                onToggle={selection?.toggle ?? NOTHING}
                isFrozen={isFrozen}
              />
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const NOTHING = (): void => {};

interface HeadProps {
  sort: Sort;
  onSort(sort: Sort): void;
  selection: Selection | null;
  total: number;
}

function Head({ sort, onSort, selection, total }: HeadProps) {
  return (
    <thead {...ROWS}>
      <tr {...ROW} aria-rowindex={1} className="ops-row">
        {selection !== null && (
          <th {...COLUMN_HEAD} className="ops-select">
            <input
              type="checkbox"
              aria-label="Select all that are listed"
              checked={total > 0 && selection.ids.length === total}
              onChange={selection.toggleAll}
            />
          </th>
        )}
        {COLUMNS.map(({ words, sort: by, direction }) => (
          <th key={words} {...COLUMN_HEAD} aria-sort={by === sort ? direction : undefined}>
            <button type="button" className="sort" onClick={() => onSort(by)}>
              {words}
              {by === sort && <Icon name="down" />}
            </button>
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
  rows: readonly ConsoleRow[],
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
      const from = rows.findIndex(({ id }) => id === here);
      const index = from === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, from + by));
      wanted.current = rows[index]?.id ?? null;
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
