/** `GET /api/v1/audit`: who did what, for administrators. Each sees the organizations of the token. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { AuditPage } from '#contract/access.ts';
import { isoTime } from '../database/iso-time.ts';
import type { Database } from '../database/open.ts';
import { queryId, queryLimit, queryText } from '../http/parameters.ts';
import { type GrantedOrganizations, principalOf } from '../http/principal.ts';

export const EntryId = z.string().regex(/^[1-9][0-9]{0,17}$/);

export function auditRoutes(database: Database): Hono {
  const routes = new Hono();
  routes.get('/audit', async (c) => c.json(await readPage(c, database)));
  return routes;
}

async function readPage(c: Context, { sql }: Database): Promise<AuditPage> {
  const limit = queryLimit(c);
  const before = queryText(c, 'before', EntryId, 'must be the "next" of an earlier page');
  const organizationId = queryId(c, 'organization_id');
  const rows = await sql<AuditPage['entries']>`
    select id::text as id, ${isoTime(sql, 'at')} as at,
      organization_id, actor, action, details, request_id
    from audit_log
    where true ${accessibleTo(sql, principalOf(c).organizations)}
      ${before === undefined ? sql`` : sql`and id < ${before}`}
      ${organizationId === undefined ? sql`` : sql`and organization_id = ${organizationId}`}
    order by audit_log.id desc limit ${limit + 1}`;
  const entries = rows.slice(0, limit);
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null };
}

/** Entries without a single organization are visible only to principals with access to all. */
function accessibleTo(sql: Database['sql'], granted: GrantedOrganizations) {
  return granted === '*' ? sql`` : sql`and organization_id = any(${[...granted]}::int[])`;
}
