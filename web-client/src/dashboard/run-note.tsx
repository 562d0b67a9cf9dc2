/**
 * One line about the moment: when the run started, how long it waits, how old the state is, or why no sync was started.
 * Always there, so that nothing below it moves.
 */
import { formatRemaining } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { useNow } from '../hooks/use-now.ts';
import { ClockTime, Moment } from '../ui/time.tsx';
import type { StartOutcome } from './use-start.ts';

export interface RunNoteProps {
  log: SyncLog | null;
  /** While the connection is lost: the time of the state. */
  frozenAt: number | null;
  /** Of the last press of a start button. */
  outcome: StartOutcome;
}

export function RunNote({ log, frozenAt, outcome }: RunNoteProps) {
  if (outcome.kind === 'refused') {
    return (
      <p className="run-note" data-tone="bad" role="alert">
        {outcome.message}
      </p>
    );
  }
  if (log === null) return <p className="run-note" />;
  const { phase, waiting_until } = log.metadata;
  if (log.status === 'running' && frozenAt !== null) {
    return (
      <p className="run-note">
        As of <ClockTime at={frozenAt} />
      </p>
    );
  }
  if (log.status === 'running' && phase === 'waiting' && waiting_until !== undefined) {
    return <Waiting until={waiting_until} />;
  }
  const isJoined = outcome.kind === 'already-running' && outcome.runId === log.id && log.status === 'running';
  return (
    <p className="run-note">
      {isJoined && <span role="status">This sync was running already. </span>}
      Started <Moment at={log.started_at} />
    </p>
  );
}

/** Says when the next attempt is, not how it ends. */
function Waiting({ until }: { until: string }) {
  const leftMs = Date.parse(until) - useNow(true);
  return (
    <p className="run-note" data-tone="warn">
      Next attempt <span className="countdown">{leftMs > 0 ? `in ${formatRemaining(leftMs)}` : 'now'}</span>
    </p>
  );
}
