/**
 * What changed since a moment: a walk in the order of `updated_at` that no edit can shift.
 *
 * Paging by number would lose patients: one that is edited meanwhile jumps to the end, and the first of the next page
 * moves up unseen. So each step asks anew for what changed since the last change it saw, and always takes the first
 * page. Only where a whole page shares one second does it go on to the next page of that second.
 */
import { ClinikoError } from '../cliniko/error.ts';
import type { PageOptions, PatientPage, PatientSource } from '../cliniko/source.ts';
import { parseWirePatient } from '../cliniko/wire.ts';
import type { Database } from '../database/open.ts';
import { createRepeatGuard } from './repeats.ts';

/** Clocks differ, and what is being written while a run begins is seen later. */
const OVERLAP = '5 minutes';

/**
 * Runs from before the clinic was registered (again), or had another key, tell nothing: what they stored may be gone, or
 * somebody else's.
 *
 * @returns from when on a changed run has to look (ISO 8601 UTC, whole seconds); undefined when no full or changed run of
 * this organization has completed, and everything has to be looked at
 */
export async function readWatermark({ sql }: Database, organizationId: number): Promise<string | undefined> {
  const [row] = await sql<{ since: string | null }[]>`
    select to_char(max(least(log.started_at, (run.checkpoint ->> 'began')::timestamptz at time zone 'utc'))
      - ${OVERLAP}::interval, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
    from sync_logs as log join sync_runs as run on run.sync_log_id = log.id
      join organizations on organizations.id = log.organization_id
      join cliniko_credentials as credentials on credentials.organization_id = log.organization_id
    where log.organization_id = ${organizationId} and log.status = 'completed'
      and log.operation_type in ('full_patients', 'changed_patients')
      and run.created_at >= greatest(organizations.created_at, credentials.updated_at)`;
  return row?.since ?? undefined;
}

/** An answer with patients who were not asked for. What it lacks nobody knows: it is not the end of the data. */
export class UnkeptFilterError extends ClinikoError {}

type ChangeField = 'updated_at' | 'archived_at';

export interface ChangeScope {
  /** Who is meant: `archived_at:*`, or `archived_at:!?` for active patients only. */
  filter: string;
  /** The times that tell of a change. */
  fields: readonly ChangeField[];
}

export interface ChangePlan extends ChangeScope {
  /** ISO 8601 UTC, whole seconds. */
  since: string;
  perPage: number;
}

/** @throws UnkeptFilterError, ClinikoError, or the signal's reason */
export async function* walkChanges(
  source: PatientSource,
  plan: ChangePlan,
  options: PageOptions,
): AsyncGenerator<PatientPage> {
  const walks = plan.fields.map((field) => {
    const pages = walkField(source, plan, field, options);
    // Asked for at once: mostly the first pages are the only ones.
    const first = pages.next();
    first.catch(() => {}); // Awaited below, unless another one fails before.
    return { first, pages };
  });
  for (const { first, pages } of walks) {
    const page = await first;
    if (page.done === true) continue;
    yield page.value;
    yield* pages;
  }
}

async function* walkField(
  source: PatientSource,
  { filter, since, perPage }: ChangePlan,
  field: ChangeField,
  options: PageOptions,
): AsyncGenerator<PatientPage> {
  let from = since;
  let refuseRepeat = createRepeatGuard();
  for (let page = 1; ; ) {
    // A condition on `archived_at` finds archived patients by itself.
    const filters = field === 'archived_at' ? [`${field}:>=${from}`] : [filter, `${field}:>=${from}`];
    const answer = await source.page({ page, perPage, filters, sort: `${field}:asc,id:asc` }, options);
    const [first, last] = [timeOf(answer.records.at(0), field), timeOf(answer.records.at(-1), field)];
    // Somebody older: the filter was not kept, and there would be no end to it.
    if (first !== undefined && first < from) return refuseUnkept(field);
    refuseRepeat(answer.records);
    yield answer;
    const more = answer.hasNext || (answer.totalEntries ?? 0) > page * perPage;
    if (!more || answer.records.length === 0) return;
    // Without a later moment to go on from, the next page of the same one is all there is.
    if (last === undefined || last <= from) page += 1;
    else [from, page, refuseRepeat] = [last, 1, createRepeatGuard()];
  }
}

/** It is not certain that Cliniko can be asked for archivals; that it can be for changes is documented. */
function refuseUnkept(field: ChangeField): void {
  if (field === 'updated_at') throw new UnkeptFilterError({ kind: 'unreadable', status: 200 });
}

/** In Cliniko's own form: whole seconds, with a literal Z. */
function timeOf(record: unknown, field: ChangeField): string | undefined {
  const parsed = parseWirePatient(record);
  if (parsed.kind !== 'patient') return undefined;
  const time = field === 'updated_at' ? parsed.patient.updatedAt : parsed.patient.archivedAt;
  return time === null ? undefined : `${time.slice(0, 19)}Z`;
}
