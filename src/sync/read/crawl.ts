/** What a crawl reads (its plan), and how far it has come. crawl-plan.ts decides both. */
import type { OperationType } from '#contract/sync-log.ts';
import type { PatientSource, RequestOptions } from '../../cliniko/source.ts';
import type { ChangeScope } from './change-scan.ts';
import type { CrawlPosition } from './crawl-position.ts';
import type { SeenIds } from './seen-ids.ts';

export interface CrawlPlan {
  type: OperationType;
  scope: ChangeScope;
  /** Changes since this time are read (changed syncs); undefined: everything is read. */
  since: string | undefined;
  organizationId: number;
  /** When the run was requested, by the database's clock. */
  createdAt: Date;
  perPage: number;
}

/** By Cliniko's clock, once a page of the run was read. */
export function startedAt({ position, plan }: Crawl): Date {
  return position.startedAt === null ? plan.createdAt : new Date(position.startedAt);
}

/** A running crawl. It decides by what it has read, which is ahead of what is stored. */
export interface Crawl {
  readonly source: PatientSource;
  readonly options: RequestOptions;
  /** How many pages may be requested now before they are needed. */
  readonly ahead: () => number;
  readonly plan: CrawlPlan;
  /** Keys of the records that this run has read. */
  readonly seen: SeenIds;
  position: CrawlPosition;
}
