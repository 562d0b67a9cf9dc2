/** One run: how it ended, what it changed, and its progress over time. */
import { useRef } from 'react';
import { OperationType, type SyncLog } from '#contract/sync-log.ts';
import type { Api } from '../api.ts';
import { NoAccess } from '../auth/no-access.tsx';
import { type Cancel, useCancel } from '../hooks/use-cancel.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { isForbidden } from '../live/connection.ts';
import { CancelDialog } from '../ui/cancel-dialog.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { operationWords } from '../ui/format.ts';
import { OfflineNotice } from '../ui/offline-notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useHandOver } from '../ui/restore-focus.ts';
import { StatePill } from '../ui/state-pill.tsx';
import { DayAndTime } from '../ui/time.tsx';
import { PlaybackCard } from './playback-card.tsx';
import { ResultNotice } from './result-notice.tsx';
import { RunErrors } from './run-errors.tsx';
import { RunFacts } from './run-facts.tsx';
import { statusText } from './status-text.ts';
import { SubpageTitle } from './subpage-title.tsx';
import { useOrganization } from './use-organization.ts';
import { nameOf, useRegistration } from './use-registration.ts';
import { useRun } from './use-run.ts';

export interface RunPageProps {
  organizationId: number;
  runId: number;
  api: Api;
}

export function RunPage({ organizationId, runId, api }: RunPageProps) {
  const { state, connection, frozenAt, applyLog } = useOrganization(organizationId);
  const { registration } = useRegistration(api, organizationId);
  const run = useRun(api, organizationId, runId, state.log);
  const cancel = useCancel(api, applyLog);
  const name = nameOf(registration, organizationId);
  useDocumentTitle(`Run ${runId}`, name);
  if (isForbidden(connection)) return <NoAccess title={name} words={run.error} connection={connection} />;

  return (
    <>
      <PageHeader current="dashboard" connection={connection} />
      <main className="page">
        <SubpageTitle organizationId={organizationId} organizationName={name} title={`Run ${runId}`} />
        <OfflineNotice connection={connection} />
        {run.error !== null && <ErrorNotice words={run.error} />}
        {run.log !== null && <Outcome log={run.log} frozenAt={frozenAt} cancel={cancel} />}
        <PlaybackCard moments={run.moments} isTrimmed={run.isTrimmed} />
      </main>
      <p className="undrawn" role="status" data-testid="announcer">
        {state.log?.id === runId && statusText(state)}
      </p>
      <CancelDialog log={cancel.asked} name={name} onConfirm={cancel.confirm} onClose={cancel.forget} />
    </>
  );
}

interface OutcomeProps {
  log: SyncLog;
  frozenAt: number | null;
  cancel: Cancel;
}

function Outcome({ log, frozenAt, cancel }: OutcomeProps) {
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
          Started <DayAndTime at={log.started_at} />
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
      <ResultNotice log={log} />
      <RunFacts log={log} frozenAt={frozenAt} />
      <RunErrors log={log} />
    </section>
  );
}
