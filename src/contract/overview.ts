/** The overview: one row for each organization, for consoles and scripts that ask "is every clinic's data fresh?". */
import * as z from 'zod/mini';
import { SyncLog } from './sync-log.ts';

/** In the order of precedence: the state of an organization is the first one that applies. */
export const OVERVIEW_STATES = [
  'running',
  'queued',
  'paused',
  'failed',
  'overdue',
  'held',
  'with_errors',
  'never',
  'ok',
] as const;
export const OverviewState = z.enum(OVERVIEW_STATES);
export type OverviewState = z.infer<typeof OverviewState>;

export const OverviewRow = z.object({
  organization_id: z.int(),
  name: z.nullable(z.string()),
  state: OverviewState,
  /** The `error_type` of the last run, when it failed; null otherwise. A cancelled run does not count. */
  cause: z.nullable(z.string()),
  last_success_at: z.nullable(z.string()),
  /** In seconds. */
  last_success_age_s: z.nullable(z.int()),
  /** The next firing or second attempt; null without one and while paused. */
  next_run_at: z.nullable(z.string()),
  latest: z.nullable(SyncLog),
  /** Patients that the last run could not store. */
  errors: z.int(),
  /** Records in quarantine. */
  quarantine: z.int(),
  /** Patients whose disappearance waits for a confirmation. */
  held: z.int(),
  /** The organization, or everything, is paused. */
  paused: z.boolean(),
  /** Of a pause of this organization; null without one. */
  paused_at: z.nullable(z.string()),
  paused_reason: z.nullable(z.string()),
  /** The account that paused it; null when the server did, and of an account without a name. */
  paused_by: z.nullable(z.string()),
});
export type OverviewRow = z.infer<typeof OverviewRow>;

/** Response of `GET /api/v1/overview`: by organization. */
export const Overview = z.object({
  organizations: z.array(OverviewRow),
  /** Request the next page with `after`; null at the end. */
  next: z.nullable(z.int()),
});
export type Overview = z.infer<typeof Overview>;

/** Response of `GET /api/v1/runs`: newest first. */
export const RecentRuns = z.object({ runs: z.array(SyncLog) });
export type RecentRuns = z.infer<typeof RecentRuns>;

/** In the response: how many of its organizations are overdue, also those whose state is another one, such as `failed`. */
export const OVERDUE_HEADER = 'x-overdue-organizations';
