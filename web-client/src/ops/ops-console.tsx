/** The ops console: every organization, live. This file composes; what is listed is decided in listing.ts. */
import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import type { Api } from '../api.ts';
import { Masthead } from '../look/masthead.tsx';
import { formatCount } from '../look/words.ts';
import { FilterBar } from './filter-bar.tsx';
import { countByStanding, type Filter, inOrder, narrowed } from './listing.ts';
import { OrganizationTable } from './organization-table.tsx';
import { useEverything } from './use-everything.ts';
import { useNames } from './use-names.ts';

export function OpsConsole({ api }: { api: Api }) {
  const { everything, connection } = useEverything();
  const states = useMemo(() => inOrder(everything), [everything]);
  const names = useNames(api, states);
  const [filter, setFilter] = useState<Filter>({ text: '', standing: null });
  const deferred = useDeferredValue(filter);
  const counts = useMemo(() => countByStanding(states), [states]);
  const shown = useMemo(() => narrowed(states, deferred, names), [states, deferred, names]);

  const alarm = counts.failed > 0 ? `${counts.failed} failed · ` : '';
  useEffect(() => {
    document.title = `${alarm}All organizations · Patient Sync`;
  }, [alarm]);

  const isFiltered = deferred.text !== '' || deferred.standing !== null;
  return (
    <>
      <Masthead current="ops" connection={connection} />
      <main className="page page-wide">
        <div className="title">
          <h1>All organizations</h1>
        </div>
        <FilterBar filter={filter} onFilter={setFilter} counts={counts} total={states.length} />
        <p className={isFiltered ? 'soft shown' : 'undrawn'} role="status">
          {isFiltered && `${formatCount(shown.length)} of ${formatCount(states.length)} organizations`}
        </p>
        {shown.length > 0 ? (
          <OrganizationTable states={shown} names={names} />
        ) : (
          <p className="card empty">{emptyText(states.length, connection.kind === 'live')}</p>
        )}
      </main>
    </>
  );
}

function emptyText(total: number, isLive: boolean): string {
  if (total > 0) return 'No organization fits this filter.';
  return isLive
    ? 'No organization has synced yet. The first one will appear here by itself.'
    : 'Looking for organizations…';
}
