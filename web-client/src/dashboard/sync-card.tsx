/** The sync of the organization: everything that the guide's component shows. */
import { useRef } from 'react';
import { isCancelled } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { isRunning, type OrganizationState } from '../live/organization-state.ts';
import { operationWords } from '../ui/format.ts';
import { GuideText } from '../ui/icon.tsx';
import { activityText } from '../ui/result-text.ts';
import { StatePill } from '../ui/state-pill.tsx';
import type { Throughput } from '../ui/throughput.ts';
import { addressOfRun } from './address.ts';
import { CancelButton } from './cancel-button.tsx';
import { HeldNotice } from './held-notice.tsx';
import { PhaseStrip } from './phase-strip.tsx';
import { Progress } from './progress.tsx';
import { ResultNotice } from './result-notice.tsx';
import { RunErrors } from './run-errors.tsx';
import { RunFacts } from './run-facts.tsx';
import { RunNote } from './run-note.tsx';
import { StartButtons } from './start-buttons.tsx';
import type { Start } from './use-start.ts';
import { useSteadyPhase } from './use-steady-phase.ts';

export interface SyncCardProps {
  organizationId: number;
  state: OrganizationState;
  /** Patients whose disappearance a person has to confirm. */
  held: number;
  /** While the connection is lost: the time of the state. */
  frozenAt: number | null;
  start: Start;
  throughput: Throughput;
  onCancel(log: SyncLog): void;
  onKey(): void;
}

/** Every part is there in every state, at the same height: nothing jumps when a run begins, waits, ends or fails. */
export function SyncCard(props: SyncCardProps) {
  const { state, frozenAt, start, throughput, onCancel } = props;
  const log = useSteadyPhase(state.log);
  const startButton = useRef<HTMLButtonElement>(null);
  return (
    <section
      className="card sync-monitor"
      aria-labelledby="sync-title"
      data-status={log?.status ?? 'none'}
      data-frozen={frozenAt !== null}
    >
      <div className="sync-head">
        <div>
          <Eyebrow log={log} isKnown={state.isKnown} />
          <h2 id="sync-title">{titleOf(log, state.isKnown, frozenAt)}</h2>
          <p className="current-step">
            <Step log={log} isKnown={state.isKnown} />
          </p>
        </div>
        <StartButtons start={start} isRunning={isRunning(state)} startButton={startButton} />
        <div className="run-line">
          <RunNote log={log} frozenAt={frozenAt} outcome={start.outcome} />
          {log?.status === 'running' && (
            <CancelButton focusTarget={startButton} onCancel={() => onCancel(log)} />
          )}
        </div>
      </div>
      <Progress log={log} percent={state.percent} />
      <div className="phases-or-notice">
        <PhasesOrNotice {...props} log={log} />
      </div>
      <RunFacts log={log} throughput={throughput} frozenAt={frozenAt} />
      {log === null ? <NoErrors isKnown={state.isKnown} /> : <RunErrors log={log} isOpen={false} />}
    </section>
  );
}

/** Until the state is known the line only keeps its height. */
function NoErrors({ isKnown }: { isKnown: boolean }) {
  return <p className="run-errors soft">{isKnown ? 'No patient was read yet' : '\u00a0'}</p>;
}

/** What a person has to act on takes the place of the phases. */
function PhasesOrNotice({
  organizationId,
  state,
  log,
  held,
  start,
  onKey,
}: SyncCardProps & { log: SyncLog | null }) {
  const hasFailed = log?.status === 'failed';
  const isWorking = log?.status === 'running';
  if (!hasFailed && (isWorking || held === 0)) return <PhaseStrip log={log} isKnown={state.isKnown} />;
  return (
    <>
      {hasFailed && <ResultNotice log={log} start={start} onKey={onKey} />}
      {held > 0 && <HeldNotice organizationId={organizationId} held={held} />}
    </>
  );
}

/** Until the state is known the line only keeps its height. */
function Eyebrow({ log, isKnown }: { log: SyncLog | null; isKnown: boolean }) {
  return (
    <p className="eyebrow">
      {isKnown && <StatePill log={log} />}
      {log !== null && <a href={addressOfRun(log.organization_id, log.id)}>Run {log.id}</a>}
    </p>
  );
}

function titleOf(log: SyncLog | null, isKnown: boolean, frozenAt: number | null): string {
  if (log === null) return isKnown ? 'Ready for the first sync' : 'Looking up the last sync';
  const operation = operationWords(log.operation_type);
  if (log.status === 'running') {
    const activity = log.metadata.phase === 'queued' ? 'in the queue' : 'running';
    return `${operation} ${frozenAt === null ? 'is' : 'was'} ${activity}`;
  }
  return `Last sync: ${operation.toLowerCase()} ${endWords(log)}`;
}

function endWords(log: SyncLog): string {
  if (log.status === 'failed') return isCancelled(log) ? 'was cancelled' : 'failed';
  return log.records_failed > 0 ? 'completed with errors' : 'completed';
}

/** The result notice explains a failed run. */
function Step({ log, isKnown }: { log: SyncLog | null; isKnown: boolean }) {
  if (log?.status === 'failed') {
    if (isCancelled(log)) return null;
    return log.records_success > 0
      ? 'The patients that were stored before it failed stay.'
      : 'No patient was stored.';
  }
  if (log === null) return isKnown ? 'Fetches every patient from Cliniko, active and archived.' : '';
  return <GuideText text={activityText(log)} />;
}
