/** A clinic with a server, for the programs in examples/ that keep a copy of its patients. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { connectInTest } from './database.ts';
import { startTestServer } from './server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const ORGANIZATION = 123;
const PATIENCE = { timeout: 60_000, interval: 50 };

export async function startExampleClinic(databaseUrl: string) {
  const server = await startTestServer(databaseUrl, { patients: 60 });
  const sql = connectInTest(databaseUrl);
  const sync = async (): Promise<void> => {
    await server.api(`/cliniko/sync-all/${ORGANIZATION}`, { method: 'POST' });
    await expect.poll(() => sql`select from sync_runs where ended_at is null`, PATIENCE).toHaveLength(0);
  };
  /** Every kind of change, by a sync and by another program. */
  const change = async (): Promise<void> => {
    const { people } = server.cliniko;
    const ids = [...people.ids()];
    const [edited = '', archived = '', deleted = '', erased = ''] = ids;
    people.edit(edited, { first_name: 'Quokka' });
    people.archive(archived);
    people.hardDelete(deleted);
    people.add(3);
    await sync();
    await sql`delete from patients where cliniko_patient_id = ${erased}`;
    await sql`update patients set archived_at = now() where cliniko_patient_id = ${ids[4] ?? ''}`;
  };
  return { server, sql, sync, change };
}

/** Starts an example; `kill` ends it as a crash does, and so does the end of the test. */
export function startExample(command: string, args: readonly string[], environment: Record<string, string>) {
  const child: ChildProcess = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk) => (errors += chunk));
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return { kill, errors: () => errors };
}

/** Waits until a copy is equal. Both are read again until they are. */
export async function expectInStep<T>(
  read: { copy: () => Promise<T>; table: () => Promise<T> },
  errors: () => string,
): Promise<void> {
  await expect
    .poll(async () => ({ copy: await read.copy(), errors: errors() }), PATIENCE)
    .toEqual({ copy: await read.table(), errors: '' });
}
