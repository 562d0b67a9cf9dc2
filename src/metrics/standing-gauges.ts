/** The database's own figures as gauges. While it is away they are absent, not zero: an alert must not be lulled by them. */
import { Gauge, Registry } from 'prom-client';
import type { Standing } from './standing.ts';

export interface StandingGauges {
  render(standing: Standing | undefined): Promise<string>;
}

const SIMPLE: [name: string, help: string, read: (standing: Standing) => number][] = [
  [
    'oldest_run_age_seconds',
    'Age of the running run that started first; 0 when none runs.',
    (standing) => standing.oldestRunSeconds,
  ],
  [
    'longest_run_silence_seconds',
    'Time since the last change of the run that has been silent for longest; 0 when none runs.',
    (standing) => standing.longestSilenceSeconds,
  ],
  [
    'notification_queue_usage_ratio',
    'How full the queue of NOTIFY is; at 1 commits fail.',
    (standing) => standing.notificationQueueUsage,
  ],
  ['quarantined_patients', 'Patients that could not be stored.', (standing) => standing.quarantined],
  [
    'webhooks_pending',
    'Webhook deliveries that wait or are being tried again.',
    (standing) => standing.webhooksPending,
  ],
  [
    'oldest_pending_webhook_seconds',
    'Age of the oldest delivery that waits; 0 when none does.',
    (standing) => standing.oldestWebhookSeconds,
  ],
];

export function createStandingGauges(): StandingGauges {
  const health = new Registry();
  const figures = new Registry();
  const up = new Gauge({
    name: 'patient_sync_database_up',
    help: '1 when the database answered this scrape.',
    registers: [health],
  });
  const runs = new Gauge({
    name: 'patient_sync_runs',
    help: 'Runs that have not ended, by state; abandoned: its worker let the lease expire.',
    labelNames: ['state'],
    registers: [figures],
  });
  const simple = SIMPLE.map(([name, help, read]) => {
    const gauge = new Gauge({ name: `patient_sync_${name}`, help, registers: [figures] });
    return (standing: Standing) => gauge.set(read(standing));
  });
  return {
    async render(standing) {
      up.set(standing === undefined ? 0 : 1);
      const answer = await health.metrics();
      if (standing === undefined) return answer;
      for (const [state, count] of Object.entries(standing.runs)) runs.set({ state }, count);
      for (const set of simple) set(standing);
      return `${answer}\n${await figures.metrics()}`;
    },
  };
}
