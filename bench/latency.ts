/** A sync of 648 patients from an API that answers in 120 ms, against the ideal: the first page, then windows of pages. */

import { openClinic, openEnvironment } from './environment.ts';
import type { Row } from './table.ts';

const LATENCY_MS = 120;
const PAGES = 7;
const WINDOW = 4;

export async function benchLatency(): Promise<Row[]> {
  const environment = await openEnvironment();
  const clinic = await openClinic(environment, { patients: 648, latencyMs: LATENCY_MS });
  try {
    const ideal = (1 + Math.ceil((PAGES - 1) / WINDOW)) * LATENCY_MS;
    const { seconds, log } = await clinic.sync();
    const requests = log.metadata.performance_metrics?.api_requests ?? 0;
    return [
      {
        name: `648 patients at ${LATENCY_MS} ms, ${requests} requests`,
        value: seconds * 1_000,
        unit: 'ms',
        ratio: (seconds * 1_000) / ideal,
        of: `the ideal of ${ideal} ms`,
      },
    ];
  } finally {
    await clinic.close();
    await environment.close();
  }
}
