/** `GET /api/v1/overview`: one row for each organization that the caller may see, as JSON or CSV. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { OVERDUE_HEADER, OverviewState } from '#contract/overview.ts';
import type { Database } from '../database/open.ts';
import { csvOf, csvResponse, wantsCsv } from '../http/csv.ts';
import { queryId, queryLimit } from '../http/parameters.ts';
import { principalOf } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { readPause } from '../organizations/pause.ts';
import { type OverviewPage, type RenderedRow, readOverview } from './read-overview.ts';

export interface OverviewDeps {
  database: Database;
  /** Reads the pause of everything, which belongs to no organization (access/row-level-security.ts). */
  wholeDatabase: Database;
}

const MAX_ROWS = 1_000;

export function overviewRoutes({ database, wholeDatabase }: OverviewDeps): Hono {
  const routes = new Hono();
  routes.get('/overview', async (c) => {
    const asCsv = wantsCsv(c);
    const filter = {
      organizations: principalOf(c).organizations,
      states: readStates(c),
      after: queryId(c, 'after') ?? 0,
      limit: queryLimit(c, { max: MAX_ROWS, fallback: MAX_ROWS }),
      isPaused: (await readPause(wholeDatabase.sql)).paused,
    };
    const page = await readOverview(database.sql, filter);
    c.header(OVERDUE_HEADER, String(page.overdue));
    return asCsv ? answerCsv(c, page) : answerJson(c, page);
  });
  return routes;
}

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
  return c.body(`{"organizations":[${organizations.join(',')}],"next":${next}}`, 200, {
    'content-type': 'application/json',
    'cache-control': 'private, no-cache',
  });
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
