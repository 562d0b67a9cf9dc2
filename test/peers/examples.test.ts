/** The example in examples/ that needs only Python and HTTP, as a real process that is killed. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from '../support/database.ts';
import { expectInStep, ORGANIZATION, startExample, startExampleClinic } from '../support/example-clinic.ts';
import { newFolder } from '../support/new-folder.ts';

const READ = `
import json, sqlite3, sys
print(json.dumps([json.loads(patient) for (patient,) in sqlite3.connect(sys.argv[1]).execute("SELECT patient FROM patients ORDER BY id")]))
`;

test('follow_patients.py keeps a SQLite file in step, also after a crash', async ({ databaseUrl }) => {
  const { server, sql, sync, change } = await startExampleClinic(databaseUrl);
  await sync();
  const file = join(await newFolder(), 'patients.sqlite');
  const environment = { PATIENT_SYNC_URL: server.url, ORGANIZATION: String(ORGANIZATION) };
  const start = () => startExample('python3', ['examples/follow_patients.py', file], environment);
  const copied = async (): Promise<unknown> => {
    const { stdout } = await promisify(execFile)('python3', ['-c', READ, file]).catch(() => ({
      stdout: '[]',
    }));
    const patients: Record<string, unknown>[] = JSON.parse(stdout);
    return patients.map((patient) => [
      patient.cliniko_patient_id,
      patient.first_name,
      patient.phone,
      patient.state,
      patient.merged_into,
    ]);
  };
  const stored = async (): Promise<unknown> => {
    const rows = await sql<{ id: string; name: string; phone: string; state: string; into: string }[]>`
      select p.cliniko_patient_id as id, first_name as name, phone, patient_state as state, merged_into as into
      from patients p join patient_details using (organization_id, cliniko_patient_id) order by p.cliniko_patient_id`;
    return rows.map(({ id, name, phone, state, into }) => [id, name, phone, state, into]);
  };
  const inStep = (example: ReturnType<typeof start>) =>
    expectInStep({ copy: copied, table: stored }, example.errors);

  const first = start();
  await inStep(first);
  await change();
  await inStep(first);
  await first.kill();
  await change();
  await inStep(start());
});
