import type { LatestRunCache } from '../events/latest-run-cache.ts';
import type { OrganizationDeps } from '../organizations/routes.ts';
import type { CancelDeps } from '../sync/cancel-run.ts';
import type { AnswerCache } from './answer-cache.ts';

/** The dependencies of these adapters: the services of our own routes, and no state except a response cache. */
export interface LegacyDeps extends OrganizationDeps, CancelDeps {
  latestRuns: LatestRunCache;
  answers: AnswerCache;
  /** Call it before a request waits for Cliniko (access/row-level-security.ts). */
  endReads: () => void;
  /** `CLINIKO_BASE_URL`; undefined: from the shard of each key. */
  clinikoBaseUrl: string | undefined;
  /** Of this program. */
  version: string;
  /** As `/readyz` answers. */
  isReady: () => Promise<boolean>;
}
