/**
 * Writes an audit entry for every route that route-policy.ts names an action for.
 *
 * A write is recorded after it has succeeded and before its response is sent; if the entry cannot be stored, the response is
 * an error. A stream is recorded before it opens. Routes with more to say record it themselves, in their own transaction.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { type AuditAction, appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import { auditOrigin, principalOf } from '../http/principal.ts';

export function auditActions({ sql }: Database): MiddlewareHandler {
  return async (c, next) => {
    const { isPublic, audit, isStream } = c.get('requirement');
    if (isPublic || audit === null || c.get('socketRefusal') !== undefined || c.req.method === 'HEAD')
      return next();
    if (isStream) {
      // Without accounts, an entry for a stream would identify no person.
      if (principalOf(c).actor !== 'anyone') await record(c, { sql }, audit);
      return next();
    }
    await next();
    if (c.res.status < 400) await record(c, { sql }, audit);
  };
}

async function record(c: Context, { sql }: Pick<Database, 'sql'>, action: AuditAction): Promise<void> {
  await appendAudit(sql, {
    organizationId: c.get('organizationId') ?? c.get('auditedRun')?.organizationId ?? null,
    action,
    details: await detailsOf(c, action),
    ...auditOrigin(c),
  });
}

const Started = z.object({ sync_log_id: z.int(), already_running: z.boolean() });

async function detailsOf(c: Context, action: AuditAction): Promise<Record<string, number | string>> {
  const run = c.get('auditedRun');
  if (run !== undefined) {
    return { sync_log_id: run.syncLogId, ...(run.outcome !== undefined && { outcome: run.outcome }) };
  }
  switch (action) {
    case 'sync.start': {
      const started = Started.safeParse(await c.res.clone().json());
      if (!started.success) return {};
      const { sync_log_id, already_running } = started.data;
      return { sync_log_id, outcome: already_running ? 'already running' : 'started' };
    }
    case 'sync.cancel':
      return { sync_log_id: Number(c.req.path.split('/').at(-2)) };
    case 'api.write':
      return { route: c.get('requirement').route };
    default:
      return {};
  }
}
