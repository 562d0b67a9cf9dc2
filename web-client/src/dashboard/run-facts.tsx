/** The figures of a run: on its way where it is and how fast, at the end what it took. */
import type { ReactNode } from 'react';
import { formatDuration } from '../../../src/contract/duration.ts';
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import { Moment } from '../look/moments.tsx';
import { useNow } from '../look/use-now.ts';
import { formatCount, patientsPerSecond, phaseWords } from '../look/words.ts';

export function RunFacts({ log }: { log: SyncLog }) {
  return (
    <dl className="facts">{log.status === 'running' ? <OnItsWay log={log} /> : <AtItsEnd log={log} />}</dl>
  );
}

function OnItsWay({ log }: { log: SyncLog }) {
  const { current_page, total_pages, estimated_remaining } = log.metadata;
  const now = useNow(true);
  const elapsedMs = now - Date.parse(log.started_at);
  const page = current_page && total_pages ? `${current_page} of ${total_pages}` : null;
  return (
    <>
      <Fact term="Phase">{phaseWords(log)}</Fact>
      <Fact term="Time left">{estimated_remaining ?? null}</Fact>
      <Fact term="Rate">{rateText(log)}</Fact>
      <Fact term="Page">{page}</Fact>
      <Fact term="Running for">{formatDuration(elapsedMs)}</Fact>
    </>
  );
}

function AtItsEnd({ log }: { log: SyncLog }) {
  const { performance_metrics: metrics, warnings_total, proof } = log.metadata;
  return (
    <>
      <Fact term="Ended">{log.completed_at === null ? null : <Moment at={log.completed_at} />}</Fact>
      <Fact term="Duration">{metrics?.total_duration ?? durationText(log)}</Fact>
      {metrics !== undefined && <Fact term="Rate">{rateText(log)}</Fact>}
      {metrics !== undefined && <Fact term="API requests">{formatCount(metrics.api_requests)}</Fact>}
      {warnings_total ? <Fact term="Warnings">{formatCount(warnings_total)}</Fact> : null}
      {proof?.proven && <Fact term="Completeness">Proven</Fact>}
    </>
  );
}

/** What is not known yet keeps its place, so that nothing jumps when it comes. */
function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children ?? '–'}</dd>
    </div>
  );
}

function rateText(log: SyncLog): string | null {
  const rate = patientsPerSecond(log);
  return rate === null ? null : `${formatCount(rate)} patients/s`;
}

function durationText(log: SyncLog): string | null {
  if (log.completed_at === null) return null;
  return formatDuration(Date.parse(log.completed_at) - Date.parse(log.started_at));
}
