/** `GET /api/v1/overview` and `GET /api/v1/runs`: state and recent runs of each organization that the caller may see. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { OVERDUE_HEADER, OverviewState } from '#contract/overview.ts';
import { SyncStatus } from '#contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { csvOf, csvResponse, wantsCsv } from '../http/csv.ts';
import { queryId, queryLimit, queryText } from '../http/parameters.ts';
import { principalOf } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { readPause } from '../organizations/pause.ts';
import { type OverviewPage, type RenderedRow, readOverview } from './read-overview.ts';
import { readRecentRuns } from './recent-runs.ts';

export interface OverviewDeps {
  database: Database;
  /** Reads the pause of everything, which belongs to no organization (access/row-level-security.ts). */
  wholeDatabase: Database;
}

export const ROWS_LIMIT = { fallback: 1_000, max: 1_000 };
export const RUNS_LIMIT = { fallback: 200, max: 200 };

export const Time = z.iso.datetime({ offset: true });

export function overviewRoutes({ database, wholeDatabase }: OverviewDeps): Hono {
  const routes = new Hono();
  routes.get('/overview', async (c) => {
    const asCsv = wantsCsv(c);
    const filter = {
      organizations: principalOf(c).organizations,
      states: readStates(c),
      after: queryId(c, 'after') ?? 0,
      limit: queryLimit(c, ROWS_LIMIT),
      isPaused: (await readPause(wholeDatabase.sql)).paused,
    };
    const page = await readOverview(database.sql, filter);
    c.header(OVERDUE_HEADER, String(page.overdue));
    return asCsv ? answerCsv(c, page) : answerJson(c, page);
  });

  routes.get('/runs', async (c) => {
    const runs = await readRecentRuns(database.sql, {
      organizations: principalOf(c).organizations,
      since: readSince(c),
      status: queryText(c, 'status', SyncStatus, 'must be running, completed or failed'),
      limit: queryLimit(c, RUNS_LIMIT),
    });
    return c.body(`{"runs":[${runs.join(',')}]}`, 200, JSON_HEADERS);
  });
  return routes;
}

const DAY_MS = 86_400_000;

function readSince(c: Context): number {
  const since = queryText(c, 'since', Time, 'must be a time such as 2026-11-29T02:00:00Z');
  return since === undefined ? Date.now() - DAY_MS : Date.parse(since);
}

const JSON_HEADERS = { 'content-type': 'application/json' };

const States = z.array(OverviewState);

function readStates(c: Context): OverviewState[] {
  const read = States.safeParse(c.req.queries('state') ?? []);
  if (read.success) return read.data;
  const detail = `"state" must be one of ${OverviewState.options.join(', ')}; it may be repeated.`;
  throw new ProblemError('INVALID_PARAMETER', detail, { field: 'state' });
}

/** The logs are JSON text already. */
function answerJson(c: Context, { rows, next }: OverviewPage): Response {
  const organizations = rows.map(
    ({ latest, ...row }) => `${JSON.stringify(row).slice(0, -1)},"latest":${latest ?? 'null'}}`,
  );
  return c.body(`{"organizations":[${organizations.join(',')}],"next":${next}}`, 200, JSON_HEADERS);
}

const COLUMNS = [
  'organization_id',
  'name',
  'state',
  'cause',
  'last_success_at',
  'last_success_age_s',
  'next_run_at',
  'errors',
  'quarantine',
  'held',
  'paused',
] as const satisfies (keyof RenderedRow)[];

function answerCsv(c: Context, { rows, next }: OverviewPage): Response {
  return csvResponse(c, 'overview', csvOf(COLUMNS, rows), next === null ? undefined : { after: next });
}
