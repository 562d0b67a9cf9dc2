/**
 * Storing patients: the whole engine against COPY of the same rows (the limit) and against one upsert per patient.
 */
import { finished } from 'node:stream/promises';
import { DEFAULT_SETTINGS } from '#contract/organization.ts';
import { readRecords } from '../src/cliniko/record.ts';
import { parseRecord } from '../src/patients/parse-patient.ts';
import type { Patient } from '../src/patients/patient.ts';
import { encodePatients, upsertPatients } from '../src/patients/upsert.ts';
import { type Clinic, type Environment, fetchRecords, openClinic, openEnvironment } from './environment.ts';
import { median, progress } from './rounds.ts';
import { databaseCpuMs } from './server-processes.ts';
import type { Row } from './table.ts';

const NAIVE_SHARE = 0.1;

const ROUNDS = 5;

/** Before the first round. V8 compiles code that runs often again, until the server has read about 200,000 patients. */
const WARM_UPS = 8;

/** Pages that a sync requests besides those of the whole clinic. Without room for them each sync evicts every page. */
const OTHER_PAGES = 20;

/** Patients a second, and processor time in microseconds a patient. */
interface Rates {
  copied: number;
  copiedDatabaseUs: number;
  naive: number;
  allNew: number;
  allNewServerUs: number;
  allNewDatabaseUs: number;
  unchanged: number;
  unchangedServerUs: number;
}

export async function benchIngest({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const count = isQuick ? 5_000 : 20_000;
  const environment = await openEnvironment();
  // A real Cliniko uses none of these processors: this one encodes each page once.
  const clinic = await openClinic(environment, { patients: count, cachedPages: count / 100 + OTHER_PAGES });
  try {
    const patients = await readPatients(clinic, count);
    for (let warmUp = 1; warmUp <= WARM_UPS; warmUp++) {
      progress(`Two full syncs before the first round, ${warmUp} of ${WARM_UPS} …`);
      await environment.database.sql`truncate patients`;
      await clinic.sync();
      await clinic.sync();
    }
    const rounds: Rates[] = [];
    while (rounds.length < ROUNDS) rounds.push(await measureRound(environment, clinic, patients));
    return rowsOf(count, (name) => median(rounds.map((rates) => rates[name])));
  } finally {
    await clinic.close();
    await environment.close();
  }
}

async function readPatients(clinic: Clinic, count: number): Promise<Patient[]> {
  const fetched = await fetchRecords(clinic.cliniko, count);
  const records = fetched.flatMap(
    (record) => readRecords(Buffer.from(JSON.stringify({ patients: [record] })), 'patients')?.records ?? [],
  );
  return records.flatMap((record) => {
    const read = parseRecord(record, { country: 'AU', validation: DEFAULT_SETTINGS.validation });
    return read.kind === 'patient' ? [read.patient] : [];
  });
}

async function measureRound(
  environment: Environment,
  clinic: Clinic,
  patients: readonly Patient[],
): Promise<Rates> {
  progress(`COPY of ${patients.length} patients, one upsert a patient, and two full syncs …`);
  const count = patients.length;
  const databaseBegan = await databaseCpuMs(environment);
  const copied = count / (await copyInto(environment, patients));
  const copiedDatabaseUs = (((await databaseCpuMs(environment)) - databaseBegan) * 1_000) / count;
  const some = patients.slice(0, count * NAIVE_SHARE);
  const naive = some.length / (await upsertOneByOne(environment, some));
  await environment.database.sql`truncate patients`;
  const first = await clinic.sync();
  const second = await clinic.sync();
  return {
    copied,
    copiedDatabaseUs,
    naive,
    allNew: count / first.seconds,
    allNewServerUs: (first.serverMs * 1_000) / count,
    allNewDatabaseUs: (first.databaseMs * 1_000) / count,
    unchanged: count / second.seconds,
    unchangedServerUs: (second.serverMs * 1_000) / count,
  };
}

function rowsOf(count: number, figure: (name: keyof Rates) => number): Row[] {
  const unit = 'patients/s';
  const [copied, naive, allNew] = [figure('copied'), figure('naive'), figure('allNew')];
  const unchanged = figure('unchanged');
  const whole = { name: 'full sync, all new', value: allNew, unit };
  const processor = (name: string, value: number): Row => ({ name, value, unit: 'µs a patient' });
  return [
    { name: `COPY of ${count} rows into an empty table (the limit)`, value: copied, unit },
    processor('the same: processor time of PostgreSQL', figure('copiedDatabaseUs')),
    { name: 'one upsert a patient (the naive peer)', value: naive, unit, ratio: naive / copied, of: 'COPY' },
    { ...whole, ratio: allNew / copied, of: 'COPY', atLeast: 0.6 },
    { ...whole, ratio: allNew / naive, of: 'the naive peer' },
    processor('the same: processor time of the server', figure('allNewServerUs')),
    processor('the same: processor time of PostgreSQL', figure('allNewDatabaseUs')),
    {
      name: 'full sync, unchanged',
      value: unchanged,
      unit,
      ratio: unchanged / allNew,
      of: 'all new',
      atLeast: 3,
    },
    processor('the same: processor time of the server', figure('unchangedServerUs')),
  ];
}

async function copyInto({ database: { sql } }: Environment, patients: readonly Patient[]): Promise<number> {
  await sql`create table copied (like patients including defaults including identity)`;
  const began = performance.now();
  await sql.begin(async (tx) => {
    const writable =
      await tx`copy copied (organization_id, ${tx(COLUMNS.map(([name]) => name))}) from stdin`.writable();
    for (const patient of patients) {
      const values = COLUMNS.map(([, value]) => copyText(value(patient)));
      writable.write(`123\t${values.join('\t')}\n`);
    }
    await finished(writable.end());
  });
  const seconds = (performance.now() - began) / 1_000;
  await sql`drop table copied`;
  return seconds;
}

/** All columns that an upsert writes. */
const COLUMNS: [string, (patient: Patient) => string | null][] = [
  ['cliniko_patient_id', (patient) => patient.clinikoPatientId],
  ['first_name', (patient) => patient.firstName],
  ['last_name', (patient) => patient.lastName],
  ['email', (patient) => patient.email],
  ['phone', (patient) => patient.phone],
  ['date_of_birth', (patient) => patient.dateOfBirth],
  ['archived_at', (patient) => patient.archivedAt],
  ['merged_into', (patient) => patient.mergedInto],
  ['created_at', (patient) => patient.createdAt],
  ['updated_at', (patient) => patient.updatedAt],
  ['raw', (patient) => patient.raw.toString()],
  ['content_hash', (patient) => `\\x${patient.contentHash}`],
  ['warnings', (patient) => String(patient.warnings)],
];

const copyText = (value: string | null) =>
  value === null
    ? '\\N'
    : value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');

async function upsertOneByOne(
  { database: { sql } }: Environment,
  patients: readonly Patient[],
): Promise<number> {
  await sql`truncate patients`;
  const began = performance.now();
  for (const patient of patients) await upsertPatients(sql, 123, encodePatients([patient]));
  return (performance.now() - began) / 1_000;
}
