/** The figures of a run: position and speed while it is active, duration and changes at the end. */
import { formatDuration } from '#contract/duration.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { useNow } from '../hooks/use-now.ts';
import { Fact, Facts } from '../ui/facts.tsx';
import { formatCount, formatRate, patientsPerSecond, triggerWords } from '../ui/format.ts';
import { Sparkline } from '../ui/sparkline.tsx';
import { recentRate, type Throughput } from '../ui/throughput.ts';
import { Moment } from '../ui/time.tsx';

export interface RunFactsProps {
  log: SyncLog;
  /** Of a run that is watched live. */
  throughput?: Throughput;
}

const RATE_OVER_SECONDS = 5;

export function RunFacts({ log, throughput }: RunFactsProps) {
  return (
    <Facts isLive={log.status === 'running'}>
      {log.status === 'running' ? (
        <RunningFacts log={log} throughput={throughput} />
      ) : (
        <EndedFacts log={log} />
      )}
      <Changes log={log} />
    </Facts>
  );
}

function RunningFacts({ log, throughput }: { log: SyncLog; throughput: Throughput | undefined }) {
  const now = useNow(true);
  return (
    <>
      <Fact term="Time left">{log.metadata.estimated_remaining ?? null}</Fact>
      <Fact term="Running for">{formatDuration(now - Date.parse(log.started_at))}</Fact>
      <Fact term="Rate">
        <span className="rate">
          <span>{liveRateText(log, throughput)}</span>
          {throughput !== undefined && <Sparkline counts={throughput.counts.slice(0, -1)} />}
        </span>
      </Fact>
    </>
  );
}

function EndedFacts({ log }: { log: SyncLog }) {
  const { performance_metrics: metrics, warnings_total, proof, retry_at: retryAt } = log.metadata;
  const trigger = triggerWords(log);
  return (
    <>
      <Fact term="Ended">{log.completed_at === null ? null : <Moment at={log.completed_at} />}</Fact>
      <Fact term="Duration">{metrics?.total_duration ?? durationText(log)}</Fact>
      {trigger !== null && <Fact term="Started by">{trigger}</Fact>}
      {retryAt !== undefined && (
        <Fact term="Next attempt">
          <Moment at={retryAt} />
        </Fact>
      )}
      {metrics !== undefined && (
        <>
          <Fact term="Rate">{`${formatRate(metrics.patients_per_second)} patients/s`}</Fact>
          <Fact term="API requests">{formatCount(metrics.api_requests)}</Fact>
        </>
      )}
      {warnings_total ? <Fact term="Data warnings">{formatCount(warnings_total)}</Fact> : null}
      {proof !== undefined && <Fact term="Completeness">{proof.proven ? 'Proven' : 'Not proven'}</Fact>}
    </>
  );
}

const CHANGES = [
  ['inserted', 'New'],
  ['updated', 'Updated'],
  ['unchanged', 'Unchanged'],
] as const;

/** Only our engine counts these; a row of another program has none. */
function Changes({ log }: { log: SyncLog }) {
  if (log.records_processed === 0) return null;
  return CHANGES.map(([key, term]) => {
    const count = log.metadata[key];
    return typeof count === 'number' ? (
      <Fact key={key} term={term}>
        {formatCount(count)}
      </Fact>
    ) : null;
  });
}

/** Measured here once patients arrive; until then the engine's own estimate. */
function liveRateText(log: SyncLog, throughput: Throughput | undefined): string {
  const counted = throughput === undefined ? 0 : recentRate(throughput, RATE_OVER_SECONDS);
  const rate = counted > 0 || log.metadata.phase === 'waiting' ? counted : patientsPerSecond(log);
  return rate === null ? '–' : `${formatRate(rate)} patients/s`;
}

function durationText(log: SyncLog): string | null {
  if (log.completed_at === null) return null;
  return formatDuration(Date.parse(log.completed_at) - Date.parse(log.started_at));
}
