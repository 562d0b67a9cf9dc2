/** Response of `GET /api/v1/cliniko/analytics/:orgId`: completed runs only. */
import { z } from 'zod';

export const Analytics = z.object({
  /** Newest first, at most a year and a day. Days are UTC. */
  success_by_day: z.array(
    z.object({
      sync_date: z.string(),
      total_syncs: z.int(),
      /** Percent, one decimal; null when no run of that day had a patient. */
      avg_success_rate: z.number().nullable(),
    }),
  ),
  performance_by_operation: z.array(
    z.object({
      operation_type: z.string(),
      total_syncs: z.int(),
      avg_duration_seconds: z.number().nullable(),
      avg_patients_processed: z.number().nullable(),
      patients_per_second: z.number().nullable(),
    }),
  ),
});
export type Analytics = z.infer<typeof Analytics>;
