/**
 * What this process knows of an organization without asking the database: enough for the poll that everybody makes.
 * live/hub.ts knows it of organizations that somebody watches; polls (sync/routes.ts) ask here first.
 */

export interface LatestRun {
  epoch: string;
  head: number;
  /** The rendered sync log of the latest run; null when there is none. */
  log: string | null;
  /** Whether there are runs before it; undefined when that is not known here. */
  hasOlder: boolean | undefined;
}

export interface LatestRunCache {
  /** Undefined: not known for certain here. Then the database is asked. */
  get(organizationId: number): LatestRun | undefined;
  /** Somebody was shown this from the database. What is older is not given out here any more. */
  observe(organizationId: number, place: { epoch: string; head: number; hasOlder?: boolean }): void;
}
