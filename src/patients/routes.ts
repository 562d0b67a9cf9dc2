/** `GET /patients/:orgId`: the stored patients, for a person who checks what was stored. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type PatientList, PatientState } from '#contract/patients.ts';
import type { Database } from '../database/open.ts';
import { pathId, queryLimit, queryText } from '../http/parameters.ts';
import { ProblemError } from '../http/problem.ts';
import type { AccountAddresses } from '../organizations/account-address.ts';
import { readPatients } from './list-patients.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const Search = z.string().min(1).max(100);
/** Also accepts an id that no patient has: the page then starts at the next patient, or is empty. */
const After = z.string().regex(/^[0-9]{1,20}$/);

export interface PatientListDeps {
  database: Database;
  /** Call it before a request waits for Cliniko (access/row-level-security.ts). */
  endReads: () => void;
  addresses: AccountAddresses;
}

export function patientListRoutes({ database, endReads, addresses }: PatientListDeps): Hono {
  const routes = new Hono();
  routes.get('/patients/:orgId', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const limit = queryLimit(c, { fallback: DEFAULT_LIMIT, max: MAX_LIMIT });
    const rows = await readPatients(database.sql, organizationId, {
      limit,
      search: c.req.query('search')
        ? queryText(c, 'search', Search, 'must have 1 to 100 characters')
        : undefined,
      state: readState(c),
      after: queryText(c, 'after', After, 'must be the "next" of an earlier answer'),
    });
    const shown = rows.slice(0, limit);
    endReads();
    const host = shown.length === 0 ? undefined : await addresses.hostOf(organizationId);
    const answer: PatientList = {
      patients: shown.map((row) => ({
        ...row,
        cliniko_url: host === undefined ? null : `https://${host}/patients/${row.cliniko_patient_id}`,
      })),
      next: rows.length > limit ? (shown.at(-1)?.cliniko_patient_id ?? null) : null,
    };
    return c.json(answer, 200, { 'cache-control': 'no-store' });
  });
  return routes;
}

function readState(c: Context): PatientState | undefined {
  const text = c.req.query('state');
  if (text === undefined || text === '') return undefined;
  const state = PatientState.safeParse(text);
  if (state.success) return state.data;
  const known = PatientState.options.join(', ');
  throw new ProblemError('INVALID_PARAMETER', `"state" must be one of ${known}.`, { field: 'state' });
}
