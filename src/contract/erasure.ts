/** What an erasure removes, reported before and after it. Counts only. */
import { z } from 'zod';

export const ErasedPatients = z.object({ patients: z.int(), quarantined: z.int() });
export type ErasedPatients = z.infer<typeof ErasedPatients>;

/** Response of `DELETE /api/v1/organizations/:orgId`, also with `?dry_run=true`, which erases nothing. Logs stay. */
export const ErasedOrganization = ErasedPatients.extend({
  organization_id: z.int(),
  dry_run: z.boolean(),
  /** Whether a Cliniko key and a schedule were removed too. */
  credentials: z.boolean(),
  schedule: z.boolean(),
  /** The active sync that was ended, if any. */
  ended_sync_log_id: z.int().nullable(),
});
export type ErasedOrganization = z.infer<typeof ErasedOrganization>;
