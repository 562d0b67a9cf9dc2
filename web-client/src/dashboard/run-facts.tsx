/** The figures of a run: position and speed while it is active, duration and changes at the end. */
import type { ReactNode } from 'react';
import { formatCount } from '#contract/count.ts';
import { formatDuration } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { useNow } from '../hooks/use-now.ts';
import { Fact, Facts } from '../ui/facts.tsx';
import { durationOf, formatRate, triggerWords } from '../ui/format.ts';
import { Sparkline } from '../ui/sparkline.tsx';
import { smoothedRate, type Throughput } from '../ui/throughput.ts';
import { Moment, MomentAndDistance } from '../ui/time.tsx';
import { useRemainingTime } from './use-remaining-time.ts';

export interface RunFactsProps {
  /** Null: no run yet. */
  log: SyncLog | null;
  /** Of a run that is watched live. */
  throughput?: Throughput;
  /** While the connection is lost: the time of the state. */
  frozenAt?: number | null;
  /** More facts, on the page of the run. */
  children?: ReactNode;
}

/** The same figures in every state, so that the layout does not jump when a run begins or ends. */
export function RunFacts({ log, throughput, frozenAt = null, children }: RunFactsProps) {
  const metadata = log?.metadata;
  const isActive = log?.status === 'running';
  return (
    <Facts>
      <Times log={log} frozenAt={frozenAt} />
      <Fact term="Rate">
        <span className="rate">
          <span>{log === null ? '–' : rateText(log, throughput, frozenAt !== null)}</span>
          {isActive && throughput !== undefined && <Sparkline counts={throughput.counts.slice(0, -1)} />}
        </span>
      </Fact>
      <Counted term="API requests" count={metadata?.performance_metrics?.api_requests} />
      <Counted term="Data warnings" count={metadata?.warnings_total} />
      <Fact term="Completeness">{completeness(log)}</Fact>
      {CHANGES.map(([key, term]) => (
        <Counted key={key} term={term} count={log && log.records_processed > 0 ? metadata?.[key] : null} />
      ))}
      <Fact term="Started by">{log && triggerWords(log)}</Fact>
      {metadata?.retry_at !== undefined && <NextAttempt at={metadata.retry_at} />}
      {children}
    </Facts>
  );
}

/** Until its time: afterwards it has begun, or a pause has kept it from beginning. */
function NextAttempt({ at }: { at: string }) {
  const now = useNow(true, 30_000);
  if (Date.parse(at) < now) return null;
  return (
    <Fact term="Next attempt">
      <MomentAndDistance at={at} />
    </Fact>
  );
}

function Times({ log, frozenAt }: { log: SyncLog | null; frozenAt: number | null }) {
  const isActive = log?.status === 'running';
  const ticking = useNow(isActive && frozenAt === null);
  const left = useRemainingTime(log, frozenAt !== null);
  if (log === null || isActive) {
    return (
      <>
        <Fact term="Time left">{left}</Fact>
        <Fact term={log?.metadata.phase === 'queued' ? 'Waiting for' : 'Running for'}>
          {log && formatDuration((frozenAt ?? ticking) - Date.parse(log.started_at))}
        </Fact>
      </>
    );
  }
  return (
    <>
      <Fact term="Ended">{log.completed_at === null ? null : <Moment at={log.completed_at} />}</Fact>
      <Fact term="Duration">{log.metadata.performance_metrics?.total_duration ?? durationText(log)}</Fact>
    </>
  );
}

const CHANGES = [
  ['inserted', 'New'],
  ['updated', 'Updated'],
  ['unchanged', 'Unchanged'],
] as const;

/** A row of another program lacks some counts. */
function Counted({ term, count }: { term: string; count: unknown }) {
  return <Fact term={term}>{typeof count === 'number' ? formatCount(count) : null}</Fact>;
}

function completeness(log: SyncLog | null): string | null {
  const proof = log?.status === 'running' ? undefined : log?.metadata.proof;
  return proof === undefined ? null : proof.proven ? 'Proven' : 'Not proven';
}

/** At the end as the engine measured it. While the connection is lost no rate is known. */
function rateText(log: SyncLog, throughput: Throughput | undefined, isFrozen: boolean): string {
  if (log.status === 'running') return isFrozen ? '–' : liveRateText(log, throughput);
  const rate = log.metadata.performance_metrics?.patients_per_second;
  return rate === undefined ? '–' : `${formatRate(rate)} patients/s`;
}

/** Measured here. A page that was opened a moment ago has not measured one. */
function liveRateText(log: SyncLog, throughput: Throughput | undefined): string {
  const isWorking = log.metadata.phase === 'storing' || log.metadata.phase === 'fetching';
  const rate = throughput === undefined || !isWorking ? null : smoothedRate(throughput);
  return rate === null ? '–' : `${formatRate(rate)} patients/s`;
}

function durationText(log: SyncLog): string | null {
  const ms = durationOf(log);
  return ms === null ? null : formatDuration(ms);
}
