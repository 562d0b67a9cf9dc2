/** The card of the charts: keeps their height while they load, and shows a text when there is no data yet. */
import { useEffect, useState } from 'react';
import type { Analytics } from '#contract/analytics.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Api } from '../api.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { loadOnDemand } from '../ui/load-on-demand.tsx';
import { versionOf } from './use-records.ts';

const Trends = loadOnDemand(
  () => import('./charts/trends.tsx').then(({ Trends: loaded }) => loaded),
  () => <div className="charts charts-coming" />,
);

export interface TrendsCardProps {
  api: Api;
  organizationId: number;
  analytics: Analytics | null;
  latest: SyncLog | null;
}

export function TrendsCard({ api, organizationId, analytics, latest }: TrendsCardProps) {
  const runs = useEndedRuns(api, organizationId, latest);
  if (analytics === null || runs === null || runs.length === 0) return null;
  return (
    <section className="card" aria-labelledby="trends-title">
      <h2 id="trends-title">Trends</h2>
      <Trends analytics={analytics} runs={runs} />
    </section>
  );
}

function useEndedRuns(api: Api, organizationId: number, latest: SyncLog | null): SyncLog[] | null {
  const [runs, setRuns] = useState<SyncLog[] | null>(null);
  const version = versionOf(latest);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` is not read, it is the reason to read again.
  useEffect(() => {
    // On failure the charts stay as they are; the records of the page report an unreachable server.
    return whileCurrent(api.runs(organizationId), (read) =>
      setRuns(read.filter(({ status }) => status !== 'running')),
    );
  }, [api, organizationId, version]);
  return runs;
}
