/** The sync of the organization: everything that the guide's component shows. */
import type { ReactNode } from 'react';
import { isCancelled, stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { isRunning, type OrganizationState } from '../live/organization-state.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { operationWords } from '../ui/format.ts';
import { GuideText } from '../ui/icon.tsx';
import { StatePill } from '../ui/state-pill.tsx';
import type { Throughput } from '../ui/throughput.ts';
import { Moment } from '../ui/time.tsx';
import { addressOfRun } from './address.ts';
import { PhaseStrip } from './phase-strip.tsx';
import { Progress } from './progress.tsx';
import { ResultNotice } from './result-notice.tsx';
import { RunErrors } from './run-errors.tsx';
import { RunFacts } from './run-facts.tsx';
import type { Start } from './use-start.ts';
import { WaitingNotice } from './waiting-notice.tsx';

export interface SyncCardProps {
  state: OrganizationState;
  start: Start;
  buttons: ReactNode;
  throughput: Throughput;
  onKey(): void;
}

export function SyncCard({ state, start, buttons, throughput, onKey }: SyncCardProps) {
  const { log } = state;
  return (
    <section className="card sync-monitor" aria-labelledby="sync-title" data-status={log?.status ?? 'none'}>
      <div className="sync-head">
        <div>
          {log !== null && <Eyebrow log={log} />}
          <h2 id="sync-title">{titleOf(state)}</h2>
          <p className="current-step">
            <Step state={state} />
          </p>
        </div>
        {buttons}
      </div>
      <StartNotice start={start} />
      {log !== null && (
        <>
          {hasBegun(log) && <Progress log={log} percent={state.percent} />}
          {isRunning(state) && <WaitingNotice log={log} />}
          <ResultNotice log={log} start={start} onKey={onKey} />
          {hasBegun(log) && <PhaseStrip log={log} />}
          <RunFacts log={log} throughput={throughput} />
          <RunErrors log={log} />
        </>
      )}
    </section>
  );
}

function Eyebrow({ log }: { log: SyncLog }) {
  return (
    <p className="eyebrow">
      <StatePill log={log} />
      <a href={addressOfRun(log.organization_id, log.id)}>Run {log.id}</a>
      <span>
        started <Moment at={log.started_at} />
      </span>
    </p>
  );
}

/** A run that failed before it read anything has no progress. */
function hasBegun({ status, metadata }: SyncLog): boolean {
  return status !== 'failed' || (metadata.patients_found ?? 0) > 0;
}

function titleOf({ isKnown, log }: OrganizationState): string {
  if (log === null) return isKnown ? 'Ready for the first sync' : 'Looking up the last sync';
  const operation = operationWords(log.operation_type);
  if (log.status === 'running') return `${operation} is running`;
  return `Last sync: ${operation.toLowerCase()} ${endWords(log)}`;
}

function endWords(log: SyncLog): string {
  if (log.status === 'failed') return isCancelled(log) ? 'was cancelled' : 'failed';
  return log.records_failed > 0 ? 'completed with errors' : 'completed';
}

/** The result notice explains a failed run. */
function Step({ state: { isKnown, log } }: { state: OrganizationState }) {
  if (log?.status === 'failed') return 'The patients that were stored before it failed stay.';
  if (log === null && isKnown) return 'Fetches every patient from Cliniko, active and archived.';
  return <GuideText text={stepText(log)} />;
}

function StartNotice({ start: { outcome } }: { start: Start }) {
  if (outcome.kind === 'refused') return <ErrorNotice words={outcome.message} />;
  if (outcome.kind !== 'already-running') return null;
  return (
    <p className="notice" role="status">
      A sync was running already. This is it.
    </p>
  );
}
