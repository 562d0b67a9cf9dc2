/** Starting and cancelling syncs, and the reading of `sync_logs`: list, one, timeline. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { formatCursor, parseCursor } from '../contract/cursor.ts';
import { type OperationType, SyncLog, SyncStatus } from '../contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import type { EventBus } from '../events/bus.ts';
import { readTimeline } from '../events/log.ts';
import { readHead, readSyncLogs } from '../events/sync-logs.ts';
import { pathId, queryId, queryLimit, queryText } from '../http/parameters.ts';
import { organizationNotFound, ProblemError } from '../http/problem.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { type CancelTools, cancelRun } from './cancel.ts';
import { startRun } from './start.ts';

const Word = z.string().regex(/^[a-z0-9_]{1,50}$/i);

export function syncRoutes(tools: CancelTools): Hono {
  const { database, bus } = tools;
  const routes = new Hono();
  const start = (type: OperationType) => (c: Context) => startAndAnswer(c, database, bus, type);
  routes.post('/sync-all/:orgId', start('full_patients'));
  routes.post('/sync-active/:orgId', start('active_patients'));
  routes.post('/sync-changed/:orgId', start('changed_patients'));
  routes.get('/sync-logs/:orgId', (c) => answerPoll(c, database));

  routes.get('/sync-logs/:orgId/:id', async (c) => {
    const { log } = await findLog(c, database);
    return json(c, log);
  });

  routes.get('/sync-logs/:orgId/:id/timeline', async (c) => {
    const { organizationId, id } = await findLog(c, database);
    const { events, trimmed } = await readTimeline(database.sql, organizationId, id);
    return json(c, `{"events":[${events.join(',')}],"trimmed":${trimmed}}`);
  });

  routes.post('/sync-logs/:orgId/:id/cancel', async (c) => {
    const { organizationId, id } = await findLog(c, database);
    await cancelRun(tools, organizationId, id);
    const { log } = await findLog(c, database);
    return json(c, log, 202);
  });

  return routes;
}

async function startAndAnswer(
  c: Context,
  database: Database,
  bus: EventBus,
  type: OperationType,
): Promise<Response> {
  const organizationId = pathId(c, 'orgId');
  if ((await findOrganization(database, organizationId)) === undefined)
    throw organizationNotFound(organizationId);
  const { syncLogId, created } = await startRun(database, organizationId, type);
  const { logs } = await readSyncLogs(database.sql, organizationId, { limit: 1, id: syncLogId });
  // Told only now, so that the answer shows the run as it began and no worker is ahead of it.
  if (created) bus.publish({ organizations: [organizationId], work: true });
  const [log] = logs;
  if (log === undefined) throw notFound(syncLogId);
  const { operation_type, status } = SyncLog.parse(JSON.parse(log));
  const head = JSON.stringify({
    sync_log_id: syncLogId,
    organization_id: organizationId,
    operation_type,
    status,
    already_running: !created,
  });
  return json(c, `${head.slice(0, -1)},"log":${log}}`, created ? 202 : 200);
}

async function answerPoll(c: Context, database: Database): Promise<Response> {
  const organizationId = pathId(c, 'orgId');
  const before = queryId(c, 'before');
  const filter = {
    limit: queryLimit(c),
    status: queryText(c, 'status', SyncStatus, 'must be running, completed or failed'),
    operationType: queryText(c, 'operation_type', Word, 'must be a word such as full_patients'),
    before,
  };
  requireCursor(c.req.query('at_least'));
  const asked = c.req.header('if-none-match');
  if (asked !== undefined) {
    const { epoch, head } = await readHead(database.sql, organizationId);
    const etag = `"${formatCursor(epoch, head)}"`;
    if (matches(asked, etag)) return c.body(null, 304, { etag, 'cache-control': POLL_CACHING });
  }
  const page = await readSyncLogs(database.sql, organizationId, filter);
  if (before !== undefined && page.logs.length === 0) await requireLog(database, organizationId, before);
  c.header('etag', `"${formatCursor(page.epoch, page.head)}"`);
  c.header('cache-control', POLL_CACHING);
  return json(c, `{"logs":[${page.logs.join(',')}]}`);
}

const POLL_CACHING = 'private, no-cache';

/**
 * `at_least` asks for an answer that is not older than a cursor. Every poll reads what is committed, and a cursor is
 * only ever told after its commit, so the answer is never older; what remains is to refuse what is no cursor.
 */
function requireCursor(text: string | undefined): void {
  if (text === undefined || parseCursor(text) !== undefined) return;
  throw new ProblemError('INVALID_PARAMETER', '"at_least" must be a cursor, such as the one of a log.', {
    field: 'at_least',
  });
}

async function requireLog(database: Database, organizationId: number, id: number): Promise<void> {
  const { logs } = await readSyncLogs(database.sql, organizationId, { limit: 1, id });
  if (logs.length > 0) return;
  throw new ProblemError('INVALID_PARAMETER', '"before" must be the id of a sync log of this organization.', {
    field: 'before',
  });
}

async function findLog(c: Context, database: Database) {
  const organizationId = pathId(c, 'orgId');
  const id = pathId(c, 'id');
  const { logs } = await readSyncLogs(database.sql, organizationId, { limit: 1, id });
  const [log] = logs;
  if (log === undefined) throw notFound(id);
  return { organizationId, id, log };
}

function notFound(id: number): ProblemError {
  return new ProblemError(
    'SYNC_LOG_NOT_FOUND',
    `This organization has no sync log ${id}. List them with GET /api/v1/cliniko/sync-logs/:orgId.`,
  );
}

/** RFC 9110: `*`, or a list in which a weak validator matches too. */
function matches(header: string, etag: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}

/** The body is JSON already. */
function json(c: Context, body: string, status: 200 | 202 = 200): Response {
  return c.body(body, status, { 'content-type': 'application/json' });
}
