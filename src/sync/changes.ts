/**
 * What changed since a moment: a walk in the order of `updated_at` that no edit can shift.
 *
 * Paging by number would lose patients: one that is edited meanwhile jumps to the end, and the first of the next page
 * moves up unseen. So each step asks anew for what changed since the last change it saw, and always takes the first
 * page. Only where a whole page shares one second does it go on to the next page of that second.
 *
 * It is not certain that archiving moves `updated_at`, so what was archived since is asked for as well.
 */
import type { PageOptions, PatientPage, PatientSource } from '../cliniko/source.ts';
import { parseWirePatient } from '../cliniko/wire.ts';
import type { Database } from '../database/open.ts';
import type { WalkedPage } from './walk.ts';

/** Clocks differ, and what is being written while a run begins is seen later. */
const OVERLAP = '5 minutes';

/**
 * @returns from when on a changed run has to look (ISO 8601 UTC, whole seconds); undefined when no full or changed run of
 * this organization has completed, and everything has to be looked at
 */
export async function readWatermark({ sql }: Database, organizationId: number): Promise<string | undefined> {
  const [row] = await sql<{ since: string | null }[]>`
    select to_char(max(started_at) - ${OVERLAP}::interval, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
    from sync_logs as log join sync_runs as run on run.sync_log_id = log.id
    where log.organization_id = ${organizationId} and log.status = 'completed'
      and log.operation_type in ('full_patients', 'changed_patients')`;
  return row?.since ?? undefined;
}

/** @throws ClinikoError, or the signal's reason */
export async function* walkChanges(
  source: PatientSource,
  plan: { since: string; perPage: number },
  options: PageOptions,
): AsyncGenerator<WalkedPage> {
  let number = 0;
  for (const field of ['updated_at', 'archived_at'] as const) {
    for await (const page of walkField(source, field, plan, options)) {
      // Later totals are of what is left. The first one is of what there is to do.
      yield { ...page, number: ++number, total: number === 1 ? page.total : undefined };
    }
  }
}

async function* walkField(
  source: PatientSource,
  field: 'updated_at' | 'archived_at',
  { since, perPage }: { since: string; perPage: number },
  options: PageOptions,
): AsyncGenerator<Omit<WalkedPage, 'number'>> {
  let from = since;
  for (let page = 1; ; ) {
    const filters =
      field === 'updated_at' ? ['archived_at:*', `updated_at:>=${from}`] : [`archived_at:>=${from}`];
    const answer = await source.page({ page, perPage, filters, sort: `${field}:asc,id:asc` }, options);
    yield toWalked(answer, perPage);
    if (!answer.hasNext || answer.records.length === 0) return;
    const last = lastTime(answer, field);
    // Without a later moment to go on from, the next page of the same one is all there is.
    if (last === undefined || last <= from) page += 1;
    else [from, page] = [last, 1];
  }
}

function toWalked({ records, totalEntries }: PatientPage, size: number): Omit<WalkedPage, 'number'> {
  return { records, size, pages: Math.ceil((totalEntries ?? records.length) / size), total: totalEntries };
}

/** In Cliniko's own form: whole seconds, with a literal Z. */
function lastTime({ records }: PatientPage, field: 'updated_at' | 'archived_at'): string | undefined {
  const parsed = parseWirePatient(records.at(-1));
  const time =
    parsed.kind === 'patient' ? parsed.patient[field === 'updated_at' ? 'updatedAt' : 'archivedAt'] : null;
  return time === null ? undefined : `${time.slice(0, 19)}Z`;
}
