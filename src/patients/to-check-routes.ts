/** The patients that a person has to look at: how many for each reason, and one list for each. */
import { type Context, Hono } from 'hono';
import type { Sql } from 'postgres';
import { CheckReason, type PatientsToCheck, type PatientsToCheckPage } from '#contract/patients-to-check.ts';
import { ROWS_AT_ONCE } from '../database/portions.ts';
import { csvOf, csvResponse, wantsCsv } from '../http/csv.ts';
import { pathId, queryLimit, queryText } from '../http/parameters.ts';
import { ProblemError } from '../http/problem.ts';
import { patientAddress } from '../organizations/account-address.ts';
import { countToCheck, type FoundPatient, readToCheck } from './patients-to-check.ts';
import { After, type PatientListDeps } from './routes.ts';

/** A large page is for a program, or for a person who copies all ids. */
export const TO_CHECK_LIMIT = { fallback: 50, max: ROWS_AT_ONCE };

export function toCheckRoutes({ database: { sql }, endReads, addresses }: PatientListDeps): Hono {
  const routes = new Hono();

  routes.get('/patients/:orgId/to-check', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const asCsv = wantsCsv(c);
    const groups = await countToCheck(sql, organizationId);
    if (!asCsv) return c.json({ groups } satisfies PatientsToCheck);
    const found: FoundPatient[] = [];
    for (const { reason } of groups) found.push(...(await readAll(sql, organizationId, reason)));
    return asFile(c, `patients-to-check-${organizationId}`, found);
  });

  routes.get('/patients/:orgId/to-check/:reason', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const reason = readReason(c);
    const limit = queryLimit(c, TO_CHECK_LIMIT);
    const after = queryText(c, 'after', After, 'must be the "next" of an earlier answer');
    if (wantsCsv(c)) {
      const found = await readAll(sql, organizationId, reason);
      return asFile(c, `patients-to-check-${organizationId}-${reason.toLowerCase()}`, found);
    }
    const found = await readToCheck(sql, organizationId, reason, { limit, after });
    const shown = found.slice(0, limit);
    endReads();
    const host = shown.length === 0 ? undefined : await addresses.hostOf(organizationId);
    const answer: PatientsToCheckPage = {
      patients: shown.map((patient) => ({
        ...patient,
        cliniko_url: patientAddress(host, patient.cliniko_patient_id),
      })),
      next: found.length > limit ? (shown.at(-1)?.key ?? null) : null,
    };
    return c.json(answer);
  });
  return routes;
}

function readReason(c: Context): CheckReason {
  const reason = CheckReason.safeParse(c.req.param('reason'));
  if (reason.success) return reason.data;
  const known = CheckReason.options.join(', ');
  throw new ProblemError('INVALID_PARAMETER', `"reason" must be one of ${known}.`, { field: 'reason' });
}

async function readAll(sql: Sql, organizationId: number, reason: CheckReason): Promise<FoundPatient[]> {
  const all: FoundPatient[] = [];
  for (let after: string | undefined; ; ) {
    const found = await readToCheck(sql, organizationId, reason, { limit: ROWS_AT_ONCE, after });
    const shown = found.slice(0, ROWS_AT_ONCE);
    all.push(...shown);
    if (found.length <= ROWS_AT_ONCE) return all;
    after = shown.at(-1)?.key;
  }
}

const COLUMNS = ['cliniko_patient_id', 'reason', 'since', 'last_tried_at', 'attempts', 'fields'] as const;

function asFile(c: Context, name: string, patients: readonly FoundPatient[]): Response {
  const rows = patients.map(({ cliniko_patient_id: id, fields, ...row }) => ({
    ...row,
    cliniko_patient_id: { id },
    fields: fields.join(' '),
  }));
  return csvResponse(c, name, csvOf(COLUMNS, rows));
}
