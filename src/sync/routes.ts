/** Routes that start and cancel syncs and read `sync_logs`: the list, one log, its timeline. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Cursor, formatCursor, parseCursor } from '#contract/cursor.ts';
import { type OperationType, SyncStatus } from '#contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { readTimelinePart } from '../events/event-queries.ts';
import type { HistoryReads } from '../events/history-reads.ts';
import type { LatestRun, LatestRunCache } from '../events/latest-run-cache.ts';
import { SOURCE_SYSTEM } from '../events/render-metadata.ts';
import { readHead, readSyncLogs, type StreamHead, type SyncLogPage } from '../events/sync-logs.ts';
import { type ReadPart, streamTimeline } from '../events/timeline-stream.ts';
import { csvResponse, wantsCsv } from '../http/csv.ts';
import { matchesEtag } from '../http/etag.ts';
import type { NodeRoutes } from '../http/node-context.ts';
import { pathId, queryId, queryLimit, queryText, queryValue } from '../http/parameters.ts';
import { principalOf } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { safeError } from '../logging/safe-error.ts';
import { type CancelDeps, cancelRun } from './cancel-run.ts';
import { requestSync, syncLogNotFound } from './request-sync.ts';
import { syncLogsCsv } from './sync-logs-csv.ts';

export const Word = z.string().regex(/^[A-Za-z0-9_]{1,50}$/);

export interface SyncDeps extends CancelDeps {
  /** Consulted before the database. */
  latestRuns: LatestRunCache;
  /** For lists of runs. */
  historyReads: HistoryReads;
  /** For reads after the handler has returned: the transaction of row-level security is over then (access/row-level-security.ts). */
  wholeDatabase: Database;
}

export function syncRoutes(deps: SyncDeps): NodeRoutes {
  const { database, latestRuns, wholeDatabase } = deps;
  const routes: NodeRoutes = new Hono();
  const start = (type: OperationType) => (c: Context) => startAndAnswer(c, deps, type);
  routes.post('/sync-all/:orgId', start('full_patients'));
  routes.post('/sync-active/:orgId', start('active_patients'));
  routes.post('/sync-changed/:orgId', start('changed_patients'));
  routes.get('/sync-logs/:orgId', (c) => answerPoll(c, deps));

  routes.get('/sync-logs/:orgId/:id', async (c) => {
    const { organizationId, log, page } = await findLog(c, database);
    latestRuns.observe(organizationId, page);
    return json(c, log);
  });

  routes.get('/sync-logs/:orgId/:id/timeline', async (c) => {
    const { organizationId, id } = await findLog(c, database);
    const readPart: ReadPart = (after, limit) =>
      readTimelinePart(wholeDatabase.sql, { organizationId, syncLogId: id, after, limit });
    const stream = await streamTimeline(readPart, (error) => {
      deps.logger.error(
        safeError(error),
        'A timeline could not be read to its end, so its connection was closed',
      );
      c.env.outgoing.destroy();
    });
    return c.body(stream, 200, { 'content-type': 'application/json' });
  });

  routes.post('/sync-logs/:orgId/:id/cancel', async (c) => {
    const { organizationId, id } = await findLog(c, database);
    await cancelRun(deps, organizationId, id);
    const { log } = await findLog(c, database);
    return json(c, log, 202);
  });

  return routes;
}

async function startAndAnswer(c: Context, deps: SyncDeps, type: OperationType): Promise<Response> {
  const { head, log } = await requestSync(deps, principalOf(c), pathId(c, 'orgId'), type);
  return json(c, `${JSON.stringify(head).slice(0, -1)},"log":${log}}`);
}

async function answerPoll(c: Context, deps: SyncDeps): Promise<Response> {
  const { database, latestRuns, historyReads } = deps;
  const organizationId = pathId(c, 'orgId');
  const before = queryId(c, 'before');
  const filter = {
    limit: queryLimit(c),
    status: queryText(c, 'status', SyncStatus, 'must be running, completed or failed'),
    operationType: queryText(c, 'operation_type', Word, 'must be a word such as full_patients'),
    before,
  };
  const readPage = () =>
    historyReads.read(organizationId, (sql, epoch) => readSyncLogs(sql, organizationId, filter, epoch));
  const atLeast = requireCursor(queryValue(c, 'at_least'));
  if (wantsCsv(c)) return answerCsv(c, organizationId, await readPage());
  const known = newestFor(latestRuns.get(organizationId), atLeast, c.req.header('if-none-match'));
  const unchanged = notModified(c, known ?? (await headIfAsked(c, deps, organizationId)));
  if (unchanged !== undefined) return unchanged;
  const isPlain = before === undefined && (filter.status ?? filter.operationType) === undefined;
  if (known?.hasOlder !== undefined && isPlain && filter.limit === 1) {
    const logs = known.log === null ? [] : [known.log];
    return answerLogs(c, organizationId, { ...known, logs, hasMore: known.hasOlder });
  }

  const page = await readPage();
  const { epoch, head, hasMore } = page;
  const tellsOlder = isPlain && page.logs.length > 0;
  latestRuns.observe(organizationId, {
    epoch,
    head,
    ...(tellsOlder && { hasOlder: hasMore || page.logs.length > 1 }),
  });
  if (before !== undefined && page.logs.length === 0) await requireLog(database, organizationId, before);
  return answerLogs(c, organizationId, page);
}

function answerCsv(c: Context, organizationId: number, { logs, hasMore }: SyncLogPage): Response {
  const { text, lastId } = syncLogsCsv(logs);
  const next = hasMore && lastId !== undefined ? { before: lastId } : undefined;
  return csvResponse(c, `runs-${organizationId}`, text, next);
}

function answerLogs(c: Context, organizationId: number, page: SyncLogPage): Response {
  c.header('etag', etagOf(page));
  c.header('cache-control', POLL_CACHING);
  const tail = JSON.stringify({
    organization_id: organizationId,
    source_system: SOURCE_SYSTEM,
    total_logs: page.logs.length,
    has_more: page.hasMore,
  });
  return json(c, `{"logs":[${page.logs.join(',')}],${tail.slice(1)}`);
}

function notModified(c: Context, at: StreamHead | undefined): Response | undefined {
  if (at === undefined || !matchesEtag(c.req.header('if-none-match'), etagOf(at))) return undefined;
  c.header('etag', etagOf(at));
  c.header('cache-control', POLL_CACHING);
  return c.body(null, 304);
}

async function headIfAsked(c: Context, { database, latestRuns }: SyncDeps, organizationId: number) {
  if (c.req.header('if-none-match') === undefined) return undefined;
  const read = await readHead(database.sql, organizationId);
  latestRuns.observe(organizationId, read);
  return read;
}

/** @returns the cached run, unless this client has already seen a newer one, here or on another server */
function newestFor(
  known: LatestRun | undefined,
  atLeast: Cursor | undefined,
  ifNoneMatch = '',
): LatestRun | undefined {
  const seen = [...ifNoneMatch.matchAll(/"([^"]*)"/g)].map(([, tag = '']) => parseCursor(tag));
  const isBehind = [atLeast, ...seen].some(
    (cursor) => cursor !== undefined && (cursor.epoch !== known?.epoch || cursor.seq > BigInt(known.head)),
  );
  return isBehind ? undefined : known;
}

const POLL_CACHING = 'private, no-cache';
const etagOf = ({ epoch, head }: StreamHead) => `"${formatCursor(epoch, head)}"`;

/**
 * `at_least` asks for an answer that is not older than a cursor. The database's answer never is, because a cursor is
 * published only after its commit. A cached answer may be, and is not used then.
 */
function requireCursor(text: string | undefined): Cursor | undefined {
  const cursor = text === undefined ? undefined : parseCursor(text);
  if (text === undefined || cursor !== undefined) return cursor;
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
  const page = await readSyncLogs(database.sql, organizationId, { limit: 1, id });
  const [log] = page.logs;
  if (log === undefined) throw syncLogNotFound(id);
  return { organizationId, id, log, page };
}

/** @param body JSON text */
function json(c: Context, body: string, status: 200 | 202 = 200): Response {
  return c.body(body, status, { 'content-type': 'application/json' });
}
