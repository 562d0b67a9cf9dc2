/** The organizations that the console lists: filtered and sorted by the user. Typing stays fast while thousands are listed. */
import { useDeferredValue, useMemo, useState } from 'react';
import type { OrganizationState } from '../live/organization-state.ts';
import { countByState, type Filter, narrowed, type Sort, sorted } from './listing.ts';

export function useListing(states: readonly OrganizationState[], names: ReadonlyMap<number, string>) {
  const [filter, setFilter] = useState<Filter>({ text: '', state: null });
  const [sort, setSort] = useState<Sort>('state');
  const deferred = useDeferredValue(filter);
  const counts = useMemo(() => countByState(states), [states]);
  const shown = useMemo(
    () => sorted(narrowed(states, deferred, names), sort, names),
    [states, deferred, sort, names],
  );
  const isFiltered = deferred.text !== '' || deferred.state !== null;
  return { filter, setFilter, sort, setSort, counts, shown, isFiltered };
}
