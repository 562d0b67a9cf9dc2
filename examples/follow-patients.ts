/**
 * Keeps the table `clinic_patients` of another PostgreSQL equal to the patients of one clinic.
 *
 * The changes come over HTTP, as ids; their rows over SQL, with a login that only reads (`npm run tokens -- sql-reader`). The place in
 * the changes is stored with the rows in one transaction, so this program can be ended and started at any time.
 *
 *   npm install postgres zod
 *   export PATIENT_SYNC_URL=https://sync.example PATIENT_SYNC_TOKEN=pst_… ORGANIZATION=123
 *   export SOURCE_URL=postgres://reports:…@db.example/patients COPY_URL=postgres://…@warehouse.example/copy
 *   node follow-patients.ts    (Node 24; with Node 20: npx tsx follow-patients.ts)
 *
 * SOURCE_URL is the primary: a replica may not have a row yet whose change was read.
 */
import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { z } from 'zod';

const settings = z
  .object({
    PATIENT_SYNC_URL: z.url(),
    PATIENT_SYNC_TOKEN: z.string().optional(),
    ORGANIZATION: z.coerce.number().int(),
    SOURCE_URL: z.string(),
    COPY_URL: z.string(),
  })
  .parse(process.env);
const organization = settings.ORGANIZATION;
const source = postgres(settings.SOURCE_URL, { max: 1 });
const copy = postgres(settings.COPY_URL, { max: 1, onnotice: () => {} });

const Changes = z.object({
  changes: z.array(z.object({ cliniko_patient_id: z.string() })),
  next: z.string(),
  recovered: z.boolean(),
});

/** Without a place: no changes, and the place from which to continue. */
async function readChanges(place?: string): Promise<z.infer<typeof Changes>> {
  const url = new URL(`${settings.PATIENT_SYNC_URL}/api/v1/cliniko/patients/${organization}/changes`);
  if (place !== undefined) url.search = new URLSearchParams({ since: place, limit: '1000' }).toString();
  const token = settings.PATIENT_SYNC_TOKEN;
  const response = await fetch(url, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}: ${await response.text()}`);
  return Changes.parse(await response.json());
}

/** As JSON text, so that no time loses its microseconds. @param ids undefined: all patients */
async function readRows(ids?: readonly string[]): Promise<string> {
  const [row] = await source<{ rows: string }[]>`
    select coalesce(json_agg(patient), '[]')::text as rows from (
      select organization_id, cliniko_patient_id, first_name, last_name, email, phone, date_of_birth, archived_at, merged_into,
        missing_since, changed_at
      from patients where organization_id = ${organization}
        ${ids === undefined ? source`` : source`and cliniko_patient_id = any(${[...ids]})`}
    ) as patient`;
  return row?.rows ?? '[]';
}

/** Replaces these patients by their rows: one without a row is erased. @param ids undefined: all patients */
async function store(rows: string, place: string, ids?: readonly string[]): Promise<void> {
  await copy.begin(async (tx) => {
    await tx`delete from clinic_patients where organization_id = ${organization}
      ${ids === undefined ? tx`` : tx`and cliniko_patient_id = any(${[...ids]})`}`;
    await tx`insert into clinic_patients select * from jsonb_populate_recordset(null::clinic_patients, ${rows}::text::jsonb)`;
    await tx`insert into clinic_places (organization_id, place) values (${organization}, ${place})
      on conflict (organization_id) do update set place = excluded.place`;
  });
}

/** @returns whether there was anything */
async function step(): Promise<boolean> {
  const [known] = await copy<{ place: string }[]>`
    select place from clinic_places where organization_id = ${organization}`;
  const { changes, next, recovered } = await readChanges(known?.place);
  if (known === undefined || !recovered) {
    // What changes while the rows are read comes after this place, and is read again.
    await store(await readRows(), next);
    return true;
  }
  if (changes.length === 0) return false;
  const ids = [...new Set(changes.map((change) => change.cliniko_patient_id))];
  await store(await readRows(ids), next, ids);
  return true;
}

await copy`create table if not exists clinic_patients (
  organization_id integer, cliniko_patient_id text, first_name text, last_name text, email text, phone text, date_of_birth date,
  archived_at timestamptz, merged_into text, missing_since timestamptz, changed_at timestamptz not null,
  primary key (organization_id, cliniko_patient_id))`;
await copy`create table if not exists clinic_places (organization_id integer primary key, place text not null)`;

for (;;) {
  const hadChanges = await step().catch((error: unknown) => {
    // The message of a database error may contain a row.
    const problem = error instanceof postgres.PostgresError ? `SQLSTATE ${error.code}` : String(error);
    process.stderr.write(`${problem}\n`);
    return false;
  });
  if (!hadChanges) await delay(1_000);
}
