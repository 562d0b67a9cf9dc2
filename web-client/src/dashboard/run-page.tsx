/** One run: how it ended, what it changed, and its progress over time. */
import { useRef } from 'react';
import { OperationType, type SyncLog } from '#contract/sync-log.ts';
import type { Api } from '../api.ts';
import { NoAccess } from '../auth/no-access.tsx';
import { type Cancel, useCancel } from '../hooks/use-cancel.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { useReadAgainWhenBack } from '../hooks/use-read-again-when-back.ts';
import { isConnected, isForbidden } from '../live/connection.ts';
import { CancelDialog } from '../ui/cancel-dialog.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { operationWords } from '../ui/format.ts';
import { OfflineNotice } from '../ui/offline-notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useHandOver } from '../ui/restore-focus.ts';
import { StatePill } from '../ui/state-pill.tsx';
import { ClinicTime } from '../ui/time.tsx';
import { addressOfRun } from './address.ts';
import { NotRegistered } from './not-registered.tsx';
import { PlaybackCard } from './playback-card.tsx';
import { ResultNotice } from './result-notice.tsx';
import { RunErrors } from './run-errors.tsx';
import { RunFacts } from './run-facts.tsx';
import {
  Attempts,
  type AttemptsProps,
  NeighbourLinks,
  RecordFacts,
  RunJson,
  Unproven,
} from './run-record.tsx';
import { SubpageTitle } from './subpage-title.tsx';
import { tabTitle, useRunIcon } from './tab.ts';
import { useAnnouncement } from './use-announcement.ts';
import { useAttempts } from './use-attempts.ts';
import { useNeighbours } from './use-neighbours.ts';
import { useOrganization } from './use-organization.ts';
import { versionOf } from './use-records.ts';
import { nameOf, timeZoneOf, useRegistration } from './use-registration.ts';
import { UNKNOWN_RUN, useRun } from './use-run.ts';
import { addressOfSettings } from './use-settings-address.ts';
import { type Start, useStart } from './use-start.ts';

export interface RunPageProps {
  organizationId: number;
  runId: number;
  api: Api;
}

export function RunPage({ organizationId, runId, api }: RunPageProps) {
  const { state, connection, frozenAt, applyLog } = useOrganization(organizationId);
  const { registration, readAgain: onNotRegistered } = useRegistration(api, organizationId);
  const run = useRun(api, organizationId, runId, state.log);
  useReadAgainWhenBack(isConnected(connection), run.error, run.readAgain);
  const cancel = useCancel(api, run.log, applyLog);
  const announcement = useAnnouncement(state);
  const start = useStart(api, { state, connection }, { applyLog: openRun, onNotRegistered });
  const attempts = useAttempts(api, run.log);
  const neighbours = useNeighbours(api, organizationId, runId, versionOf(state.log));
  const name = nameOf(registration, organizationId);
  const isLatest = state.log?.id === runId;
  useDocumentTitle(...(isLatest ? tabTitle(state, frozenAt !== null) : []), `Run ${runId}`, name);
  useRunIcon({ log: run.log });
  if (isForbidden(connection)) return <NoAccess title={name} words={run.error} connection={connection} />;

  return (
    <>
      <PageHeader current="dashboard" connection={connection} />
      <main className="page">
        <SubpageTitle organizationId={organizationId} organizationName={name} title={`Run ${runId}`} />
        <NeighbourLinks organizationId={organizationId} neighbours={neighbours} />
        <OfflineNotice connection={connection} />
        {registration.kind === 'not-registered' && <NotRegistered organizationId={organizationId} />}
        {run.error !== null && (
          <ErrorNotice words={run.error} onAgain={run.error === UNKNOWN_RUN ? undefined : run.readAgain} />
        )}
        {run.log === null && run.error === null && <p className="card empty">Reading…</p>}
        {run.log !== null && (
          <Outcome
            log={run.log}
            frozenAt={frozenAt}
            cancel={cancel}
            start={start}
            timeZone={timeZoneOf(registration)}
            attempts={{ earlier: attempts, later: neighbours.later }}
          />
        )}
        <PlaybackCard moments={run.moments} isTrimmed={run.isTrimmed} />
      </main>
      <p className="undrawn" role="status" data-testid="announcer">
        {isLatest && announcement}
      </p>
      <CancelDialog log={cancel.asked} name={name} onConfirm={cancel.confirm} onClose={cancel.forget} />
    </>
  );
}

interface OutcomeProps {
  log: SyncLog;
  frozenAt: number | null;
  cancel: Cancel;
  start: Start;
  attempts: AttemptsProps;
  /** Of the clinic; null while it is not known. */
  timeZone: string | null;
}

/** A press of "Try again" leads to the run that it started. */
function openRun({ organization_id, id }: SyncLog): void {
  window.location.assign(addressOfRun(organization_id, id));
}

function Outcome({ log, frozenAt, cancel, start, attempts, timeZone }: OutcomeProps) {
  const isOurs = OperationType.safeParse(log.operation_type).success;
  const heading = useRef<HTMLHeadingElement>(null);
  const button = useHandOver(heading);
  return (
    <section className="card outcome" aria-labelledby="outcome-title">
      <div className="card-head">
        <h2 id="outcome-title" ref={heading} tabIndex={-1}>
          {operationWords(log.operation_type)}
        </h2>
        <StatePill log={log} />
        <p className="soft outcome-started">
          Started <ClinicTime at={log.started_at} timeZone={timeZone} />
        </p>
        {log.status === 'running' && isOurs && (
          <button
            ref={button}
            type="button"
            className="btn btn-small btn-quiet-danger"
            onClick={() => cancel.ask(log)}
          >
            Cancel sync
          </button>
        )}
      </div>
      <ResultNotice
        log={log}
        start={start}
        onKey={() => window.location.assign(addressOfSettings(log.organization_id, 'key'))}
      />
      {start.outcome.kind === 'refused' && <ErrorNotice words={start.outcome.message} />}
      <RunFacts log={log} frozenAt={frozenAt}>
        <RecordFacts log={log} />
      </RunFacts>
      <Unproven log={log} />
      <Attempts {...attempts} />
      <RunErrors log={log} isOpen={log.status !== 'running'} />
      <RunJson log={log} />
    </section>
  );
}
