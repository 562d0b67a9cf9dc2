/** The listing of the console, kept in the address: Back returns to the filter before. Typing changes no history entry. */
import { useCallback, useDeferredValue, useEffect, useMemo, useState } from 'react';
import { countByState, inOrder, type Listing, listingOf, narrowed, searchOf, sorted } from './listing.ts';
import type { ConsoleRow } from './rows.ts';

export function useListing(all: readonly ConsoleRow[]) {
  const [listing, setListing] = useState<Listing>(() => listingOf(window.location.search));
  useEffect(() => {
    const onPop = (): void => setListing(listingOf(window.location.search));
    window.addEventListener('popstate', onPop);
    return () => window.removeEventListener('popstate', onPop);
  }, []);
  const change = useCallback((next: Listing): void => {
    const { pathname, search } = window.location;
    const address = `${pathname}${searchOf(search, next)}`;
    const isTyping = next.text !== listingOf(search).text;
    if (isTyping) window.history.replaceState(null, '', address);
    else window.history.pushState(null, '', address);
    setListing(next);
  }, []);
  const deferred = useDeferredValue(listing);
  const ordered = useMemo(() => inOrder(all), [all]);
  const counts = useMemo(() => countByState(all), [all]);
  const shown = useMemo(() => sorted(narrowed(ordered, deferred), deferred.sort), [ordered, deferred]);
  const isFiltered = deferred.text !== '' || deferred.state !== null || deferred.cause !== null;
  return { listing, change, counts, shown, isFiltered };
}
