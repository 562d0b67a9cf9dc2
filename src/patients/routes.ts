/** The stored patients, for a person who checks what was stored; and their changes, for a program that keeps a copy. */
import { Hono } from 'hono';
import { z } from 'zod';
import { type PatientList, PatientState } from '#contract/patients.ts';
import type { Database } from '../database/open.ts';
import { pathId, queryLimit, queryText, queryValue } from '../http/parameters.ts';
import { type AccountAddresses, patientAddress } from '../organizations/account-address.ts';
import { followChanges } from './follow-changes.ts';
import { readPatients } from './list-patients.ts';

export const LIST_LIMIT = { fallback: 50, max: 200 };
export const CHANGES_LIMIT = { fallback: 100, max: 1_000 };

/** With commas; at most as many as a webhook has, and fewer than the maximum of a page. */
export const Ids = z.string().regex(/^[0-9]{1,20}(,[0-9]{1,20}){0,99}$/);
const KNOWN_STATES = `must be one of ${PatientState.options.join(', ')}`;
export const Search = z.string().min(1).max(100);
/** Also accepts a key that no patient has: the page then starts at the next patient, or is empty. */
export const After = z.string().regex(/^[0-9]{1,20}$/);

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
    const ids = queryText(c, 'ids', Ids, 'must be 1 to 100 Cliniko ids with commas')?.split(',');
    const limit = queryLimit(c, ids === undefined ? LIST_LIMIT : { ...LIST_LIMIT, fallback: LIST_LIMIT.max });
    const rows = await readPatients(database.sql, organizationId, {
      limit,
      search: queryValue(c, 'search')
        ? queryText(c, 'search', Search, 'must have 1 to 100 characters')
        : undefined,
      state: queryValue(c, 'state') ? queryText(c, 'state', PatientState, KNOWN_STATES) : undefined,
      ids,
      after: queryText(c, 'after', After, 'must be the "next" of an earlier answer'),
    });
    const shown = rows.slice(0, limit);
    endReads();
    const host = shown.length === 0 ? undefined : await addresses.hostOf(organizationId);
    const answer: PatientList = {
      patients: shown.map((row) => ({
        ...row,
        cliniko_url: patientAddress(host, row.cliniko_patient_id),
      })),
      next: rows.length > limit ? (shown.at(-1)?.cliniko_patient_id ?? null) : null,
    };
    return c.json(answer);
  });

  routes.get('/patients/:orgId/changes', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const wanted = { since: queryValue(c, 'since'), limit: queryLimit(c, CHANGES_LIMIT) };
    const changes = await followChanges(database.sql, organizationId, wanted);
    return c.json(changes);
  });
  return routes;
}
