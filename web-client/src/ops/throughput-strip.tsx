/** Patients a second over all organizations, now and in the last minute. */
import { Sparkline } from '../look/sparkline.tsx';
import { recentRate, type Throughput } from '../look/throughput.ts';
import { formatRate } from '../look/words.ts';

const RATE_OVER_SECONDS = 5;

export function ThroughputStrip({ throughput }: { throughput: Throughput }) {
  return (
    <div className="throughput">
      <p className="throughput-rate">
        <strong>{formatRate(recentRate(throughput, RATE_OVER_SECONDS))}</strong> patients/s
      </p>
      <Sparkline counts={throughput.counts.slice(0, -1)} />
    </div>
  );
}
