/** The organizations that a person has selected. A range goes from the last one that was toggled. */
import { useCallback, useMemo, useRef, useState } from 'react';
import type { ConsoleRow } from './rows.ts';

export interface Selection {
  /** Those that are listed: a filter hides the others from every action. */
  ids: readonly number[];
  has(id: number): boolean;
  toggle(id: number, isRange: boolean): void;
  /** All that are listed, or none when all are selected. */
  toggleAll(): void;
  clear(): void;
}

const NOTHING: ReadonlySet<number> = new Set();

export function useSelection(shown: readonly ConsoleRow[]): Selection {
  const [selected, setSelected] = useState(NOTHING);
  const anchor = useRef<number | null>(null);
  const newest = useRef(shown);
  newest.current = shown;
  const ids = useMemo(() => shown.flatMap(({ id }) => (selected.has(id) ? [id] : [])), [shown, selected]);
  const toggle = useCallback((id: number, isRange: boolean): void => {
    const places = newest.current.map((row) => row.id);
    const [from, to] = [places.indexOf(anchor.current ?? id), places.indexOf(id)];
    const range = isRange && from >= 0 ? places.slice(Math.min(from, to), Math.max(from, to) + 1) : undefined;
    anchor.current = id;
    setSelected((before) => {
      if (range !== undefined) return new Set([...before, ...range]);
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const toggleAll = useCallback((): void => {
    const all = newest.current.map(({ id }) => id);
    setSelected((before) => (all.every((id) => before.has(id)) ? NOTHING : new Set(all)));
  }, []);
  const clear = useCallback(() => setSelected(NOTHING), []);
  return { ids, has: (id) => selected.has(id), toggle, toggleAll, clear };
}
