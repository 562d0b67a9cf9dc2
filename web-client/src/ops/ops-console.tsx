/** The ops console: every organization, live. This file composes; what is listed is decided in listing.ts. */
import { useMemo, useRef, useState } from 'react';
import { formatCount } from '#contract/count.ts';
import type { Api } from '../api.ts';
import { BASE_PATH } from '../base-path.ts';
import { useCancel } from '../hooks/use-cancel.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { isConnected } from '../live/connection.ts';
import { CancelDialog } from '../ui/cancel-dialog.tsx';
import { loadOnDemand } from '../ui/load-on-demand.tsx';
import { OfflineNotice } from '../ui/offline-notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { FilterBar } from './filter-bar.tsx';
import { HealthStrip } from './health-strip.tsx';
import { inOrder } from './listing.ts';
import { OrganizationTable, type TableHandle } from './organization-table.tsx';
import { TailCard } from './tail-card.tsx';
import { ThroughputStrip } from './throughput-strip.tsx';
import { useEverything } from './use-everything.ts';
import { useHealth } from './use-health.ts';
import { useKeys } from './use-keys.ts';
import { useListing } from './use-listing.ts';
import { useNames } from './use-names.ts';

const HelpDialog = loadOnDemand(() => import('./help-dialog.tsx').then(({ HelpDialog: loaded }) => loaded));

/** The stream reports the result of a cancelled run. */
const NOTHING_TO_LEARN = (): void => {};

export function OpsConsole({ api }: { api: Api }) {
  const { everything, connection, lines, throughput } = useEverything();
  const states = useMemo(() => inOrder(everything), [everything]);
  const names = useNames(api, states);
  const { filter, setFilter, sort, setSort, counts, shown, isFiltered } = useListing(states, names);
  const health = useHealth(connection.kind);
  const cancel = useCancel(api, NOTHING_TO_LEARN);
  const [isHelping, setIsHelping] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const table = useRef<TableHandle>(null);
  useKeys({
    '/': () => search.current?.focus(),
    j: () => table.current?.step(1),
    k: () => table.current?.step(-1),
    c: () => {
      const log = everything.get(table.current?.focused() ?? 0)?.log;
      if (log?.status === 'running') cancel.ask(log);
    },
    '?': () => setIsHelping(true),
  });
  // Failures are visible while the console is in a background tab.
  useDocumentTitle(...(counts.failed > 0 ? [`${counts.failed} failed`] : []), 'All organizations');

  return (
    <>
      <PageHeader current="ops" connection={connection} />
      <main className="page page-wide ops-page">
        <div className="ops-head">
          <h1>All organizations</h1>
          <HealthStrip health={health} />
          <ThroughputStrip throughput={throughput} isOffline={!isConnected(connection)} />
        </div>
        <OfflineNotice connection={connection} />
        <FilterBar
          input={search}
          filter={filter}
          onFilter={setFilter}
          counts={counts}
          total={states.length}
          onHelp={() => setIsHelping(true)}
        />
        <p className={isFiltered ? 'soft shown' : 'undrawn'} role="status">
          {isFiltered && `${formatCount(shown.length)} of ${formatCount(states.length)} organizations`}
        </p>
        <div className="ops-body">
          {shown.length > 0 ? (
            <OrganizationTable
              states={shown}
              names={names}
              sort={sort}
              onSort={setSort}
              handle={table}
              isFrozen={!isConnected(connection)}
            />
          ) : (
            <Empty total={states.length} isLive={connection.kind === 'live'} />
          )}
          <TailCard lines={lines} names={names} />
        </div>
      </main>
      <CancelDialog
        log={cancel.asked}
        name={nameOfAsked(cancel.asked?.organization_id, names)}
        onConfirm={cancel.confirm}
        onClose={cancel.forget}
      />
      {isHelping && <HelpDialog onClose={() => setIsHelping(false)} />}
    </>
  );
}

function nameOfAsked(organizationId: number | undefined, names: ReadonlyMap<number, string>): string {
  if (organizationId === undefined) return '';
  return names.get(organizationId) ?? `organization ${organizationId}`;
}

function Empty({ total, isLive }: { total: number; isLive: boolean }) {
  if (total > 0) return <p className="card empty">No organization fits this filter.</p>;
  if (!isLive) return <p className="card empty">Looking for organizations…</p>;
  return (
    <p className="card empty">
      No organization has synced yet. The first one appears here automatically;{' '}
      <a href={`${BASE_PATH}/`}>open its dashboard</a> to register it.
    </p>
  );
}
