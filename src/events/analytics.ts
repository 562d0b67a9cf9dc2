/** The two analysis queries of the monitoring guide, safe for runs without patients. */
import type { ISql } from 'postgres';
import type { Analytics } from '#contract/analytics.ts';

/**
 * Other programs can write invalid counters and times. The queries clamp negative counters, and ignore durations that end
 * before they start and days before the year 1 or after 9999 (`infinity` included).
 */
export async function readAnalytics(sql: ISql, organizationId: number): Promise<Analytics> {
  const completed = sql`
    select operation_type, started_at, greatest(records_processed, 0) as processed,
      least(greatest(records_success, 0), greatest(records_processed, 0)) as success,
      case when ${isMoment(sql, 'started_at')} and ${isMoment(sql, 'completed_at')} and completed_at >= started_at
        then extract(epoch from completed_at - started_at) end as seconds
    from sync_logs as log
    where organization_id = ${organizationId} and sync_log_status(log) = 'completed'`;
  const [days, operations] = await Promise.all([
    sql<Analytics['success_by_day']>`
      with completed as (${completed})
      select to_char(started_at, 'YYYY-MM-DD') as sync_date, count(*)::int as total_syncs,
        -- A run without patients has no success rate.
        round(avg(success::numeric / nullif(processed, 0) * 100), 1)::float8 as avg_success_rate
      from completed where ${isMoment(sql, 'started_at')}
      group by 1 order by 1 desc limit 366`,
    sql<Analytics['performance_by_operation']>`
      with completed as (${completed})
      select operation_type, count(*)::int as total_syncs,
        round(avg(seconds), 3)::float8 as avg_duration_seconds,
        -- A run without patients has NULL here, which counts as 0.
        round(avg(coalesce(processed, 0)), 1)::float8 as avg_patients_processed,
        round(sum(processed) filter (where seconds is not null) / nullif(sum(seconds), 0), 1)::float8
          as patients_per_second
      from completed
      group by operation_type order by operation_type`,
  ]);
  return { success_by_day: [...days], performance_by_operation: [...operations] };
}

const isMoment = (sql: ISql, column: 'started_at' | 'completed_at') =>
  sql`coalesce(${sql(column)} >= '0001-01-01' and ${sql(column)} < '10000-01-01', false)`;
