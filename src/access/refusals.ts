/**
 * Refusals (401, 403, 429): each is counted, logged, and audited when the account is known.
 *
 * A refused client can retry without end, so log lines and audit entries are bounded. Those beyond the bound are summed up
 * in the next line and the next entry. Nothing here holds a token or a URL with a query.
 */

import type { ProblemCode } from '#contract/problem.ts';
import { appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';

export interface Refusal {
  status: number;
  code: ProblemCode;
  /** Method and pattern, such as `GET /api/v1/cliniko/sync-logs/:orgId`. */
  route: string;
  /** Undefined: no account is known. */
  actor: string | undefined;
  /** The requested organization, whether it exists or not. */
  organizationId: number | undefined;
  address: string;
  requestId: string | undefined;
}

export interface Refusals {
  /** Resolves when the audit entry, if there is one, is stored. Never rejects. */
  record(refusal: Refusal): Promise<void>;
}

const REFUSED_STATUSES = new Set([401, 403, 429]);

export function isRefusal(status: number): boolean {
  return REFUSED_STATUSES.has(status);
}

const MINUTE_MS = 60_000;
const LINES_A_MINUTE = 120;
const ENTRIES_A_MINUTE = 60;
const ACTORS_AT_MOST = 10_000;

export function createRefusals(
  { sql }: Pick<Database, 'sql'>,
  logger: Logger,
  onRefused: (status: number, code: ProblemCode) => void,
): Refusals {
  const lines = new Quota(LINES_A_MINUTE);
  const entries = new Map<string, Quota>();

  const log = ({ status, code, route, actor, organizationId, address, requestId }: Refusal): void => {
    const left = lines.take();
    if (left === undefined) return;
    const fields = { status, code, actor, organization_id: organizationId, address, request_id: requestId };
    logger.warn({ ...fields, ...(left > 0 && { not_logged: left }) }, `Refused ${route}`);
  };
  const audit = async (actor: string, refusal: Refusal): Promise<void> => {
    if (entries.size >= ACTORS_AT_MOST) entries.clear();
    const quota = entries.get(actor) ?? new Quota(ENTRIES_A_MINUTE);
    entries.set(actor, quota);
    const left = quota.take();
    if (left === undefined) return;
    const { status, code, route, organizationId = null, requestId } = refusal;
    await appendAudit(sql, {
      organizationId,
      actor,
      action: 'access.refused',
      details: { status, code, route, ...(left > 0 && { not_recorded: left }) },
      ...(requestId !== undefined && { requestId }),
    });
  };
  return {
    async record(refusal) {
      onRefused(refusal.status, refusal.code);
      log(refusal);
      if (refusal.actor === undefined || refusal.actor === 'anyone') return;
      await audit(refusal.actor, refusal).catch((error: unknown) =>
        logger.warn(
          safeError(error),
          'A refused request could not be written to the audit log; this log has it',
        ),
      );
    },
  };
}

/** Allows a fixed number a minute, and counts those left out since the last one allowed. */
class Quota {
  readonly #perMinute: number;
  #until = Number.NEGATIVE_INFINITY;
  #taken = 0;
  #leftOut = 0;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** @returns how many were left out before this one; undefined: leave this one out too */
  take(): number | undefined {
    const now = performance.now();
    if (now >= this.#until) {
      this.#until = now + MINUTE_MS;
      this.#taken = 0;
    }
    if (this.#taken >= this.#perMinute) {
      this.#leftOut += 1;
      return undefined;
    }
    this.#taken += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
