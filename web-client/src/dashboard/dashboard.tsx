/**
 * The dashboard of one organization: its live sync, its totals, its past runs, and its settings.
 *
 * This file only composes. The run comes from use-organization.ts (live), everything else from use-records.ts.
 */
import { useState } from 'react';
import type { Api } from '../api.ts';
import { NoAccess } from '../auth/no-access.tsx';
import { useCancel } from '../hooks/use-cancel.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { isForbidden } from '../live/connection.ts';
import { CancelDialog } from '../ui/cancel-dialog.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { Icon } from '../ui/icon.tsx';
import { loadOnDemand } from '../ui/load-on-demand.tsx';
import { OfflineNotice } from '../ui/offline-notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { DayAndTime } from '../ui/time.tsx';
import { HeldNotice } from './held-notice.tsx';
import { HistoryCard } from './history-card.tsx';
import { NotRegistered } from './not-registered.tsx';
import { QuarantineCard } from './quarantine-card.tsx';
import type { SettingsPart } from './settings-dialog.tsx';
import { statusText } from './status-text.ts';
import { SyncCard } from './sync-card.tsx';
import { tabTitle, useRunIcon } from './tab.ts';
import { Totals } from './totals.tsx';
import { TrendsCard } from './trends-card.tsx';
import { useOrganization } from './use-organization.ts';
import { useRecords } from './use-records.ts';
import { nameOf, type Registration, useRegistration } from './use-registration.ts';
import { useStart } from './use-start.ts';
import { useThroughput } from './use-throughput.ts';

const SettingsDialog = loadOnDemand(() =>
  import('./settings-dialog.tsx').then(({ SettingsDialog: loaded }) => loaded),
);

export function Dashboard({ organizationId, api }: { organizationId: number; api: Api }) {
  const { state, connection, frozenAt, applyLog } = useOrganization(organizationId);
  const { registration, readAgain } = useRegistration(api, organizationId);
  const records = useRecords(api, organizationId, state.log);
  const start = useStart(api, organizationId, applyLog);
  const cancel = useCancel(api, applyLog);
  const throughput = useThroughput(state.log, frozenAt !== null);
  const [openPart, setOpenPart] = useState<SettingsPart | null>(null);
  const openSettings = () => setOpenPart('all');
  const openKey = () => setOpenPart('key');
  const name = nameOf(registration, organizationId);
  useDocumentTitle(...tabTitle(state, frozenAt !== null), name);
  useRunIcon(state);

  const { log } = state;
  if (isForbidden(connection)) return <NoAccess title={name} words={records.error} connection={connection} />;
  const isMissing = registration.kind === 'not-registered' || start.outcome.kind === 'not-registered';
  return (
    <>
      <PageHeader current="dashboard" connection={connection} />
      <main className="page">
        <Title
          organizationId={organizationId}
          registration={registration}
          onSettings={openSettings}
          onKey={openKey}
        />
        <OfflineNotice connection={connection} />
        {isMissing && <NotRegistered organizationId={organizationId} onRegister={openSettings} />}
        <HeldNotice
          api={api}
          organizationId={organizationId}
          missing={records.missing}
          onConfirmed={records.readAgain}
        />
        <SyncCard
          state={state}
          frozenAt={frozenAt}
          start={start}
          throughput={throughput}
          onCancel={cancel.ask}
          onKey={openKey}
        />
        <Totals organizationId={organizationId} records={records} />
        <div className="columns">
          <HistoryCard api={api} organizationId={organizationId} latest={log} />
          <QuarantineCard
            api={api}
            organizationId={organizationId}
            quarantine={records.quarantine}
            onRetried={records.readAgain}
          />
        </div>
        <TrendsCard api={api} organizationId={organizationId} analytics={records.analytics} latest={log} />
        {records.error !== null && connection.kind !== 'offline' && <ErrorNotice words={records.error} />}
      </main>
      <CancelDialog log={cancel.asked} name={name} onConfirm={cancel.confirm} onClose={cancel.forget} />
      {openPart !== null && (
        <SettingsDialog
          part={openPart}
          api={api}
          organizationId={organizationId}
          organization={registration.kind === 'registered' ? registration.organization : null}
          onSaved={readAgain}
          onClose={() => setOpenPart(null)}
        />
      )}
      <p className="undrawn" role="status" data-testid="announcer">
        {statusText(state)}
      </p>
    </>
  );
}

interface TitleProps {
  organizationId: number;
  registration: Registration;
  onSettings(): void;
  onKey(): void;
}

function Title({ organizationId, registration, onSettings, onKey }: TitleProps) {
  const name = nameOf(registration, organizationId);
  const organization = registration.kind === 'registered' ? registration.organization : null;
  return (
    <div className="title">
      <div className="title-row">
        <h1>{name}</h1>
        <button type="button" className="btn" onClick={onSettings}>
          <Icon name="settings" />
          Settings
        </button>
      </div>
      <p className="soft title-facts">
        {organization?.name && <span>Organization {organizationId}</span>}
        {organization?.next_sync_at && (
          <span>
            <Icon name="clock" /> Next sync <DayAndTime at={organization.next_sync_at} />
          </span>
        )}
        {organization?.has_credentials === false && (
          <span className="title-warning">
            <Icon name="key" /> No Cliniko API key yet
            <button type="button" className="btn btn-small" onClick={onKey}>
              Add API key
            </button>
          </span>
        )}
      </p>
    </div>
  );
}
