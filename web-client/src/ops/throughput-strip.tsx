/** Patients a second over all organizations, now and in the last minute. */

import { formatRate } from '../ui/format.ts';
import { Sparkline } from '../ui/sparkline.tsx';
import { recentRate, type Throughput } from '../ui/throughput.ts';

const RATE_OVER_SECONDS = 5;

export interface ThroughputStripProps {
  throughput: Throughput;
  /** Nothing arrives, so the throughput is unknown. */
  isOffline: boolean;
}

export function ThroughputStrip({ throughput, isOffline }: ThroughputStripProps) {
  const rate = isOffline ? '–' : formatRate(recentRate(throughput, RATE_OVER_SECONDS));
  return (
    <div className="throughput">
      <p className="throughput-rate">
        <strong>{rate}</strong> patients/s
      </p>
      <Sparkline counts={throughput.counts.slice(0, -1)} />
    </div>
  );
}
