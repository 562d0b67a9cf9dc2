/** The database statistics as gauges. While the database is unavailable they are absent, not zero, so that alerts see it. */
import { Gauge, Registry } from 'prom-client';
import type { DatabaseStats } from './database-stats.ts';

export interface DatabaseGauges {
  render(stats: DatabaseStats | undefined): Promise<string>;
}

const SIMPLE: [name: string, help: string, read: (stats: DatabaseStats) => number][] = [
  [
    'oldest_run_age_seconds',
    'Age of the oldest run that has not ended; 0 when there is none.',
    (stats) => stats.oldestRunSeconds,
  ],
  [
    'longest_run_silence_seconds',
    'Time since the last change of a run that has not ended, the longest of all; 0 when there is none.',
    (stats) => stats.longestSilenceSeconds,
  ],
  [
    'notification_queue_usage_ratio',
    'Used share of the NOTIFY queue; at 1 commits fail.',
    (stats) => stats.notificationQueueUsage,
  ],
  ['quarantined_patients', 'Patients that could not be stored.', (stats) => stats.quarantined],
  ['webhooks_pending', 'Webhook deliveries that have not ended.', (stats) => stats.webhooksPending],
  [
    'oldest_pending_webhook_seconds',
    'Age of the oldest webhook delivery that has not ended; 0 when there is none.',
    (stats) => stats.oldestWebhookSeconds,
  ],
  [
    'schedules_overdue',
    'Organizations whose schedule did not fire, or whose last success is older than twice its longest interval.',
    (stats) => stats.freshness.overdue,
  ],
  [
    'oldest_success_seconds',
    'Age of the oldest last success of a scheduled organization; 0 when none is scheduled.',
    (stats) => stats.freshness.oldestSuccessSeconds,
  ],
];

export function createDatabaseGauges(): DatabaseGauges {
  const health = new Registry();
  const figures = new Registry();
  const up = new Gauge({
    name: 'patient_sync_database_up',
    help: '1 when the database answered this scrape.',
    registers: [health],
  });
  const runs = new Gauge({
    name: 'patient_sync_runs',
    help: 'Runs that have not ended, by state; abandoned: the lease expired.',
    labelNames: ['state'],
    registers: [figures],
  });
  const simple = SIMPLE.map(([name, help, read]) => {
    const gauge = new Gauge({ name: `patient_sync_${name}`, help, registers: [figures] });
    return (stats: DatabaseStats) => gauge.set(read(stats));
  });
  return {
    async render(stats) {
      up.set(stats === undefined ? 0 : 1);
      const answer = await health.metrics();
      if (stats === undefined) return answer;
      for (const [state, count] of Object.entries(stats.runs)) runs.set({ state }, count);
      for (const set of simple) set(stats);
      return `${answer}\n${await figures.metrics()}`;
    },
  };
}
