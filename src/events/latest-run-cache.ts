/**
 * The latest run of an organization from memory: enough to answer the most common poll without a query.
 * live/hub.ts provides it for organizations with a channel; the poll route (sync/routes.ts) asks here first.
 */
import type { StreamHead } from './sync-logs.ts';

export interface LatestRun extends StreamHead {
  /** The rendered sync log of the latest run; null when there is none. */
  log: string | null;
  /** Whether there are earlier runs; undefined when unknown. */
  hasOlder: boolean | undefined;
}

export interface LatestRunCache {
  /** Undefined when the memory may be out of date; the caller then queries the database. */
  get(organizationId: number): LatestRun | undefined;
  /** Call it after a response from the database. `get` then returns nothing older than that response. */
  observe(organizationId: number, read: StreamHead & { hasOlder?: boolean }): void;
}
