/** The example in examples/ that keeps a table of another PostgreSQL in step, as a real process that is killed. */
import type { Sql } from 'postgres';
import { expect } from 'vitest';
import { createEmptyDatabase, test } from '../support/database.ts';
import { expectInStep, ORGANIZATION, startExample, startExampleClinic } from '../support/example-clinic.ts';
import { newReaderUrl } from '../support/sql-reader.ts';

const rowsOf = async (sql: Sql, table: string) => {
  const [row] = await sql.unsafe<{ rows: string }[]>(
    `select json_agg(row(cliniko_patient_id, first_name, phone, date_of_birth, archived_at, missing_since, changed_at)
      order by cliniko_patient_id)::text as rows from ${table}`,
  );
  return row?.rows;
};

test('follow-patients.ts keeps another database in step, also after a crash and after a lost history', async ({
  databaseUrl,
}) => {
  const { server, sql, sync, change } = await startExampleClinic(databaseUrl);
  await sync();
  const { url, sql: copy } = await createEmptyDatabase();
  const environment = {
    PATIENT_SYNC_URL: server.url,
    ORGANIZATION: String(ORGANIZATION),
    SOURCE_URL: await newReaderUrl(databaseUrl, ORGANIZATION),
    COPY_URL: url,
  };
  const start = () =>
    startExample(process.execPath, ['--import', 'tsx', 'examples/follow-patients.ts'], environment);
  const inStep = (example: ReturnType<typeof start>) =>
    expectInStep(
      {
        copy: () => rowsOf(copy, 'clinic_patients').catch(() => undefined),
        table: () => rowsOf(sql, 'patients'),
      },
      example.errors,
    );

  const first = start();
  await inStep(first);
  await change();
  await inStep(first);

  await first.kill();
  await change();
  const second = start();
  await inStep(second);

  // A place of another history: the copy starts again.
  await second.kill();
  await copy`update clinic_places set place = 'another.1'`;
  await copy`update clinic_patients set first_name = 'wrong'`;
  await inStep(start());
  expect(await copy`select from clinic_patients`).not.toHaveLength(0);
});
