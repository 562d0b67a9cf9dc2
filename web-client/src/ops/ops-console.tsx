/** The ops console: every organization, live. This file composes; what is listed is decided in rows.ts and listing.ts. */
import { type RefCallback, type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import type { OperationAction } from '#contract/bulk-operation.ts';
import { formatCount } from '#contract/count.ts';
import type { Api } from '../api.ts';
import { useMay } from '../auth/rights.ts';
import { BASE_PATH } from '../base-path.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { type Connection, isConnected } from '../live/connection.ts';
import { loadOnDemand } from '../ui/load-on-demand.tsx';
import { OfflineNotice } from '../ui/offline-notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { handOverToHeading } from '../ui/restore-focus.ts';
import type { ActionDialogProps } from './action-dialog.tsx';
import type { AskedAction } from './actions.ts';
import { BulkBar } from './bulk-bar.tsx';
import { CausesCard } from './causes-card.tsx';
import { FilterBar } from './filter-bar.tsx';
import { HealthStrip } from './health-strip.tsx';
import { NotificationsLink } from './notifications-link.tsx';
import { OperationStrip } from './operation-strip.tsx';
import { OrganizationTable, type OrganizationTableProps, type TableHandle } from './organization-table.tsx';
import { EverythingPaused, PauseButton } from './pause-control.tsx';
import { type ConsoleRow, causeGroups } from './rows.ts';
import { TailCard, type TailCardProps } from './tail-card.tsx';
import { ThroughputStrip } from './throughput-strip.tsx';
import { useConsoleRows } from './use-console-rows.ts';
import { useCoveredHeight } from './use-covered-height.ts';
import type { WatchedEverything } from './use-everything.ts';
import { useHealth } from './use-health.ts';
import { useKeys, useKeysSwitch } from './use-keys.ts';
import { useListing } from './use-listing.ts';
import { useOperation } from './use-operation.ts';
import { type KnownPause, usePause } from './use-pause.ts';
import { type Rights, useRights } from './use-rights.ts';
import { type Selection, useSelection } from './use-selection.ts';

const HelpDialog = loadOnDemand(() => import('./help-dialog.tsx').then(({ HelpDialog: loaded }) => loaded));
const ActionDialog = loadOnDemand(() =>
  import('./action-dialog.tsx').then(({ ActionDialog: loaded }) => loaded),
);

export function OpsConsole({ api }: { api: Api }) {
  const { rows, names, connection, lines, earlier, throughput, readAgain } = useConsoleRows(api);
  const { listing, change, counts, shown, isFiltered } = useListing(rows);
  const groups = useMemo(() => causeGroups(rows), [rows]);
  const rights = useRights();
  const selection = useSelection(shown);
  const [covered, bar] = useCoveredHeight();
  const { operation, begin, cancel, dismiss, pause } = useChanges(api, rights, readAgain);
  const [isHelping, setIsHelping] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const table = useRef<TableHandle>(null);
  const [ask, question] = useQuestion(rows, begin);
  const [isKeyOn, switchKeys] = useConsoleKeys({
    rows,
    rights,
    selection,
    table,
    ask,
    search,
    onHelp: () => setIsHelping(true),
  });
  useDocumentTitle(...failedText(counts.failed), 'All organizations');
  const isKnown = hasAnswer(rows, connection);

  return (
    <>
      <PageHeader current="ops" connection={connection} />
      <main className="page page-wide ops-page">
        <Head {...{ connection, throughput, pause }} />
        {operation !== null && <OperationStrip operation={operation} onCancel={cancel} onDismiss={dismiss} />}
        {isKnown ? (
          <>
            <CausesCard
              groups={groups}
              listing={listing}
              canAct={rights.canAct}
              onRetry={({ ids }) => ask('retry', ids)}
              onListing={change}
            />
            <FilterBar
              input={search}
              listing={listing}
              onListing={change}
              counts={counts}
              total={rows.length}
              onEnter={() => table.current?.step(1)}
              onHelp={() => setIsHelping(true)}
            />
            <List
              {...{ rows, shown, isFiltered, names, connection, lines, earlier, table, covered }}
              selection={rights.canAct ? selection : null}
              sort={listing.sort}
              onSort={(sort) => change({ ...listing, sort })}
              onShowAll={() => change({ ...listing, text: '', state: null, cause: null })}
            />
          </>
        ) : (
          <Looking />
        )}
        <SelectionBar {...{ selection, rights, ask, bar }} />
      </main>
      {question}
      {isHelping && (
        <HelpDialog
          canAct={rights.canAct}
          isOn={isKeyOn}
          onSwitch={switchKeys}
          onClose={() => setIsHelping(false)}
        />
      )}
    </>
  );
}

/** Failures and filters come with the first rows: what is drawn before the first answer would move below them. */
function hasAnswer(rows: readonly ConsoleRow[], { kind }: Connection): boolean {
  return rows.length > 0 || kind !== 'connecting';
}

/** First in the title: a tab shows only its beginning. */
function failedText(failed: number): string[] {
  return failed > 0 ? [`${formatCount(failed)} failed`] : [];
}

interface SelectionBarProps extends Pick<KeyDeps, 'selection' | 'rights' | 'ask'> {
  bar: RefCallback<HTMLElement>;
}

function SelectionBar({ selection, rights, ask, bar }: SelectionBarProps) {
  const { ids, clear } = selection;
  if (ids.length === 0 || !rights.canAct) return null;
  return (
    <BulkBar
      bar={bar}
      count={ids.length}
      rights={rights}
      onAction={(action) => ask(action, ids)}
      onClear={clear}
    />
  );
}

/** What an operation or a pause has changed shows in the rows soon, not with the next read at the interval. */
function useChanges(api: Api, { canPause }: Rights, readAgain: () => void) {
  const followed = useOperation(api);
  const pause = usePause(api, canPause);
  const change = `${followed.operation?.status} ${followed.operation?.done} ${pause.pause?.paused}`;
  const known = useRef(change);
  useEffect(() => {
    if (known.current !== change) readAgain();
    known.current = change;
  }, [readAgain, change]);
  return { ...followed, pause };
}

interface HeadProps extends Pick<WatchedEverything, 'connection' | 'throughput'> {
  pause: KnownPause;
}

function Head({ connection, throughput, pause }: HeadProps) {
  const health = useHealth(connection.kind);
  return (
    <>
      <div className="ops-head">
        <h1>All organizations</h1>
        <NotificationsLink />
        <PauseButton {...pause} />
        <div className="ops-status">
          <HealthStrip health={health} />
          <ThroughputStrip throughput={throughput} isOffline={!isConnected(connection)} />
        </div>
      </div>
      <EverythingPaused pause={pause.pause} />
      <OfflineNotice connection={connection} />
    </>
  );
}

interface ListProps extends Omit<OrganizationTableProps, 'rows' | 'handle' | 'isFrozen'>, TailCardProps {
  rows: readonly ConsoleRow[];
  shown: readonly ConsoleRow[];
  isFiltered: boolean;
  connection: Connection;
  table: RefObject<TableHandle | null>;
  onShowAll(): void;
}

function List(props: ListProps) {
  const { rows, shown, isFiltered, names, connection, lines, earlier, table, onShowAll, ...rest } = props;
  return (
    <>
      <p className={isFiltered ? 'soft shown' : 'undrawn'} role="status">
        {isFiltered && `${formatCount(shown.length)} of ${formatCount(rows.length)} organizations`}
      </p>
      <div className="ops-body">
        {shown.length > 0 ? (
          <OrganizationTable {...rest} rows={shown} handle={table} isFrozen={!isConnected(connection)} />
        ) : (
          <Empty total={rows.length} isLive={connection.kind === 'live'} onShowAll={onShowAll} />
        )}
        <TailCard lines={lines} earlier={earlier} names={names} />
      </div>
    </>
  );
}

interface KeyDeps {
  rows: readonly ConsoleRow[];
  rights: Rights;
  selection: Selection;
  table: RefObject<TableHandle | null>;
  search: RefObject<HTMLInputElement | null>;
  ask(action: OperationAction, ids: readonly number[]): void;
  onHelp(): void;
}

/** @returns asks for the confirmation of an action, and the dialog that does */
function useQuestion(rows: readonly ConsoleRow[], begin: ActionDialogProps['onConfirm']) {
  const [asked, setAsked] = useState<AskedAction | null>(null);
  const ask = (action: OperationAction, ids: readonly number[]): void => {
    const wanted = new Set(ids);
    const meant = rows.filter(({ id }) => wanted.has(id));
    if (meant.length > 0) setAsked({ action, rows: meant });
  };
  const close = (): void => setAsked(null);
  return [ask, asked && <ActionDialog asked={asked} onConfirm={begin} onClose={close} />] as const;
}

/** An action is about the selection; without one, about the focused row. */
function useConsoleKeys({ rows, rights, selection, table, search, ask, onHelp }: KeyDeps) {
  const [isOn, change] = useKeysSwitch();
  const focused = (): number | null => table.current?.focused() ?? null;
  const meant = (): readonly number[] => {
    const here = focused();
    if (selection.ids.length > 0) return selection.ids;
    return here === null ? [] : [here];
  };
  const toggle = (isRange: boolean) => () => {
    const here = focused();
    if (here !== null) selection.toggle(here, isRange);
  };
  const arePaused = (): boolean => {
    const ids = new Set(meant());
    return rows.filter(({ id }) => ids.has(id)).every(({ isPaused }) => isPaused);
  };
  useKeys(
    {
      '/': () => search.current?.focus(),
      j: () => table.current?.step(1),
      k: () => table.current?.step(-1),
      '?': onHelp,
      ...(rights.canAct && {
        x: toggle(false),
        X: toggle(true),
        a: selection.toggleAll,
        r: () => ask('retry', meant()),
        s: () => ask('start', meant()),
        c: () => ask('cancel', meant()),
        Escape: selection.clear,
      }),
      ...(rights.canPause && { p: () => ask(arePaused() ? 'resume' : 'pause', meant()) }),
    },
    isOn,
  );
  return [isOn, change] as const;
}

const Looking = () => <p className="card empty">Looking for organizations…</p>;

interface EmptyProps extends Pick<ListProps, 'onShowAll'> {
  total: number;
  isLive: boolean;
}

function Empty({ total, isLive, onShowAll }: EmptyProps) {
  const canAdd = useMay('admin') === true;
  if (total > 0) {
    return (
      <p className="card empty">
        No organization fits this filter.{' '}
        <button ref={handOverToHeading} type="button" className="btn btn-small" onClick={onShowAll}>
          Show all
        </button>
      </p>
    );
  }
  if (!isLive) return <Looking />;
  return (
    <p className="card empty">
      No clinic is registered yet. The first one appears here by itself
      {canAdd ? (
        <>
          : <a href={`${BASE_PATH}/?view=add`}>add a clinic</a>.
        </>
      ) : (
        '. An administrator of this server can add one.'
      )}
    </p>
  );
}
