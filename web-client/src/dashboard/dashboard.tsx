/**
 * The dashboard of one organization: its live sync, its totals, its past runs, and its settings.
 *
 * This file only composes. The run comes from use-organization.ts (live), everything else from use-records.ts.
 */
import { useCallback, useEffect } from 'react';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Api } from '../api.ts';
import { NoAccess } from '../auth/no-access.tsx';
import { useMay } from '../auth/rights.ts';
import { useCancel } from '../hooks/use-cancel.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { useReadAgainWhenBack } from '../hooks/use-read-again-when-back.ts';
import { isConnected, isForbidden } from '../live/connection.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { CancelDialog } from '../ui/cancel-dialog.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { Icon } from '../ui/icon.tsx';
import { loadOnDemand } from '../ui/load-on-demand.tsx';
import { OfflineNotice } from '../ui/offline-notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { ClinicTime } from '../ui/time.tsx';
import { CheckCard } from './check-card.tsx';
import { ClinicPaused, PauseClinicButton } from './clinic-pause.tsx';
import { HistoryCard } from './history-card.tsx';
import { NotRegistered } from './not-registered.tsx';
import type { SettingsPart } from './settings-dialog.tsx';
import { SyncCard } from './sync-card.tsx';
import { tabTitle, useRunIcon } from './tab.ts';
import { Totals } from './totals.tsx';
import { TrendsCard } from './trends-card.tsx';
import { useAnnouncement } from './use-announcement.ts';
import { useOrganization } from './use-organization.ts';
import { useRecords } from './use-records.ts';
import { nameOf, type Registration, useRegistration } from './use-registration.ts';
import { useSettingsAddress } from './use-settings-address.ts';
import { useStart } from './use-start.ts';
import { useThroughput } from './use-throughput.ts';

const SettingsDialog = loadOnDemand(() =>
  import('./settings-dialog.tsx').then(({ SettingsDialog: loaded }) => loaded),
);

export function Dashboard({ organizationId, api }: { organizationId: number; api: Api }) {
  const { state, connection, frozenAt, applyLog } = useOrganization(organizationId);
  const clinic = useClinic(api, organizationId, state.log, isConnected(connection));
  const { registration, records, error } = clinic;
  const start = useStart(api, { state, connection }, { applyLog, onNotRegistered: clinic.readRegistration });
  const cancel = useCancel(api, state.log, applyLog);
  const throughput = useThroughput(state.log, frozenAt !== null);
  const settings = useSettingsAddress(organizationId);
  const open = (part: SettingsPart) => () => settings.open(part);
  const openSettings = open('clinic');
  const openKey = open('key');
  const organization = registration.kind === 'registered' ? registration.organization : null;
  const name = nameOf(registration, organizationId);
  useDocumentTitle(...tabTitle(state, frozenAt !== null), name);
  useRunIcon(state);
  const announcement = useAnnouncement(state);

  const { log } = state;
  const isOffline = connection.kind === 'offline';
  if (isForbidden(connection)) return <NoAccess title={name} words={records.error} connection={connection} />;
  return (
    <>
      <PageHeader current="dashboard" connection={connection} />
      <main className="page" data-awaited={registration.kind === 'unknown' && error === null && !isOffline}>
        <Title
          api={api}
          organizationId={organizationId}
          registration={registration}
          onSettings={openSettings}
          onKey={openKey}
          onPaused={clinic.readRegistration}
        />
        <ClinicPaused organization={organization} />
        <OfflineNotice connection={connection} />
        {registration.kind === 'not-registered' && <NotRegistered organizationId={organizationId} />}
        <SyncCard
          organizationId={organizationId}
          state={state}
          held={records.toCheck?.find(({ reason }) => reason === 'HELD')?.count ?? 0}
          frozenAt={frozenAt}
          start={start}
          throughput={throughput}
          onCancel={cancel.ask}
          onKey={openKey}
        />
        <Totals organizationId={organizationId} records={records} />
        <div className="columns">
          <HistoryCard
            api={api}
            organizationId={organizationId}
            latest={log}
            isWatching={isConnected(connection)}
          />
          <CheckCard organizationId={organizationId} records={records} />
        </div>
        <TrendsCard api={api} organizationId={organizationId} analytics={records.analytics} latest={log} />
        {error !== null && !isOffline && <ErrorNotice words={error} onAgain={clinic.readAgain} />}
      </main>
      <CancelDialog log={cancel.asked} name={name} onConfirm={cancel.confirm} onClose={cancel.forget} />
      {settings.openPart !== null && organization !== null && (
        <SettingsDialog
          part={settings.openPart}
          mayClose={settings.mayClose}
          api={api}
          organization={organization}
          onPart={settings.show}
          onSaved={clinic.readRegistration}
          onClose={settings.close}
        />
      )}
      <p className="undrawn" role="status" data-testid="announcer">
        {announcement}
      </p>
    </>
  );
}

/** What no stream tells: the settings of the clinic, and its records. */
function useClinic(api: Api, organizationId: number, latest: SyncLog | null, isWatching: boolean) {
  const known = useRegistration(api, organizationId, latest);
  const records = useRecords(api, organizationId, latest, isWatching);
  const [readRegistration, readRecords] = [known.readAgain, records.readAgain];
  useReadAgainWhenBack(isWatching, known.error, readRegistration);
  const readAgain = useCallback((): void => {
    readRegistration();
    readRecords();
  }, [readRegistration, readRecords]);
  // In another tab a person may have decided about held patients, or stored a key.
  useEffect(() => reconnectOnVisible({ reconnect: readAgain }), [readAgain]);
  // Both fail for the same reason: one notice says it.
  const error = known.error ?? records.error;
  return { registration: known.registration, records, error, readRegistration, readAgain };
}

interface TitleProps {
  api: Api;
  organizationId: number;
  registration: Registration;
  onSettings(): void;
  onKey(): void;
  onPaused(): void;
}

function Title({ api, organizationId, registration, onSettings, onKey, onPaused }: TitleProps) {
  const name = nameOf(registration, organizationId);
  const organization = registration.kind === 'registered' ? registration.organization : null;
  const may = useMay('admin');
  return (
    <div className="title">
      <div className="title-row">
        <h1>
          <bdi>{name}</bdi>
        </h1>
        <PauseClinicButton api={api} registration={registration} onChanged={onPaused} />
        {may !== false && registration.kind !== 'not-registered' && (
          <button type="button" className="btn" data-unknown={may === undefined} onClick={onSettings}>
            <Icon name="settings" />
            Settings
          </button>
        )}
      </div>
      <p className="soft title-facts">
        {organization?.name && <span>Organization {organizationId}</span>}
        {organization?.next_sync_at && (
          <span className="next-sync">
            <Icon name="clock" /> Next sync{' '}
            <ClinicTime at={organization.next_sync_at} timeZone={organization.time_zone} />
          </span>
        )}
        {organization?.has_credentials === false && (
          <span className="title-warning">
            <Icon name="key" /> No Cliniko API key yet
            {may === true && (
              <button type="button" className="btn btn-small" onClick={onKey}>
                Add API key
              </button>
            )}
          </span>
        )}
      </p>
    </div>
  );
}
