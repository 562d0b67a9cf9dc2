/** The guide's two analysis queries, safe for runs without patients. */
import type { Sql } from 'postgres';
import type { Analytics } from '../contract/analytics.ts';

export async function readAnalytics(sql: Sql, organizationId: number): Promise<Analytics> {
  const [days, operations] = await Promise.all([
    sql<Analytics['success_by_day']>`
      select to_char(started_at, 'YYYY-MM-DD') as sync_date, count(*)::int as total_syncs,
        -- A run without patients lost none, but says nothing about the rate either.
        round(avg(records_success::numeric / nullif(records_processed, 0) * 100), 1)::float8 as avg_success_rate
      from sync_logs
      where organization_id = ${organizationId} and status = 'completed'
      group by 1 order by 1 desc limit 366`,
    sql<Analytics['performance_by_operation']>`
      select operation_type, count(*)::int as total_syncs,
        round(avg(extract(epoch from completed_at - started_at)), 3)::float8 as avg_duration_seconds,
        round(avg(records_processed), 1)::float8 as avg_patients_processed,
        round((sum(records_processed) / nullif(sum(extract(epoch from completed_at - started_at)), 0)), 1)::float8
          as patients_per_second
      from sync_logs
      where organization_id = ${organizationId} and status = 'completed'
      group by operation_type order by operation_type`,
  ]);
  return { success_by_day: [...days], performance_by_operation: [...operations] };
}
