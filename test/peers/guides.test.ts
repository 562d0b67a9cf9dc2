/** The guides, followed to the letter on an empty database: every block, in order, with the programs that readers use. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Sql } from 'postgres';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { type Command, commandsOf } from '../docs/support/guides.ts';
import { insertOldRuns, OLD_SCHEMA } from '../legacy/support/old-database.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { newFolder } from '../support/new-folder.ts';
import { forPsql } from './support/psql-address.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Reader {
  environment: NodeJS.ProcessEnv;
  /** The ports of the guides, and those that are free here. */
  ports: Map<string, string>;
}

/** An empty machine: a database without tables, and free ports. */
async function newReader(): Promise<Reader> {
  const directory = await newFolder({ mode: 0o755 });
  const ports = new Map([
    ['8000', String(await freePort())],
    ['8001', String(await freePort())],
  ]);
  const environment = {
    ...process.env,
    DATA_DIR: join(directory, 'data'),
    PORT: ports.get('8000'),
    HOME: directory,
  };
  return { environment, ports };
}

async function withDatabase(reader: Reader): Promise<Sql> {
  const { url, sql } = await createEmptyDatabase();
  Object.assign(reader.environment, { DATABASE_URL: forPsql(url) });
  return sql;
}

/** Only the ports are others. */
function here({ ports }: Reader, text: string): string {
  return text.replace(/\b800[01]\b/g, (port) => ports.get(port) ?? port);
}

/**
 * @param path the blocks that are for readers on this path through the guide only
 * @returns what each block printed
 */
async function follow(guide: string, reader: Reader, path?: string): Promise<string[]> {
  const printed: string[] = [];
  let started: ChildProcess[] = [];
  for (const command of await commandsOf(guide)) {
    if (command.notRun !== undefined || (command.only ?? path) !== path) continue;
    if (command.stops) started = await endAll(started);
    if (!command.background) {
      printed.push(await run(command, reader));
      continue;
    }
    // A reader has stopped what took this port before.
    if (!/8001|PORT=/.test(command.text)) started = await endAll(started);
    started.push(await begin(command, reader));
  }
  await endAll(started);
  return printed;
}

async function run(command: Command, reader: Reader): Promise<string> {
  const script = here(reader, command.text);
  const { stdout } = await execute('bash', ['-euc', script], { cwd: ROOT, env: reader.environment }).catch(
    (error: { stdout: string; stderr: string }) => {
      throw new Error(`${command.guide}:\n${script}\n${error.stdout}\n${error.stderr}`);
    },
  );
  return stdout;
}

async function begin(command: Command, reader: Reader): Promise<ChildProcess> {
  const child = spawn('bash', ['-euc', here(reader, command.text)], {
    cwd: ROOT,
    env: reader.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  onTestFinished(() => void endAll([child]));
  const port = reader.ports.get(command.text.includes('8001') ? '8001' : '8000');
  await vi.waitFor(
    async () => {
      const ready = await fetch(`http://localhost:${port}/readyz`).catch(() => undefined);
      if (ready?.ok !== true) throw new Error(`${command.text} does not answer:\n${output}`);
    },
    { timeout: 30_000, interval: 50 },
  );
  return child;
}

async function endAll(children: readonly ChildProcess[]): Promise<ChildProcess[]> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exit = once(child, 'exit');
      process.kill(-child.pid, 'SIGTERM');
      await exit;
    }),
  );
  return [];
}

describe('a reader who follows', () => {
  test('the quick start, has synced and watched', async () => {
    const reader = await newReader();
    const printed = await follow('guides/quick-start.md', reader);
    expect(printed.join('\n')).toContain('"total": 648');
    expect(printed.join('\n')).toContain('event: hello');
  });

  test.for([['own-database'], ['old-database']] as const)(
    'the guide from the old system (%s), has its patients, its history and its old views',
    async ([path]) => {
      const reader = await newReader();
      const old = await createEmptyDatabase();
      await old.sql.unsafe(OLD_SCHEMA);
      await old.sql`update patients set cliniko_patient_id = '1'`;
      await insertOldRuns(old.sql, [
        { status: 'completed', startedAt: '2024-01-15 10:30:00+00', counts: [648, 648, 0] },
        {
          status: 'timeout',
          startedAt: '2024-02-01 08:00:00+00',
          errorDetails: { patient: 'Grace Example' },
        },
      ]);
      const isOwn = path === 'own-database';
      const { url, sql } = isOwn ? await createEmptyDatabase() : old;
      const cliniko = await startClinikoSimulator({ patients: 30, apiKey: 'MS-your-own-key-au2' });
      onTestFinished(() => cliniko.close());
      Object.assign(reader.environment, {
        DATABASE_URL: forPsql(url),
        OLD_DATABASE_URL: forPsql(old.url),
        OLD_SCHEMA: isOwn ? 'public' : 'old_system',
        CREDENTIALS_KEY: randomBytes(32).toString('base64'),
        CLINIKO_BASE_URL: cliniko.url,
      });
      const printed = (await follow('guides/moving-from-the-old-system.md', reader, path)).join('\n');
      expect(printed).toContain('Sync completed: 30/30 patients');
      expect(printed).toContain('org_abc -> 123: 2 rows in the old table; 2 to copy');
      expect(printed).toContain('2 copied, 0 copied before, 0 left out');
      expect(printed).toContain('DELETE 2\nROLLBACK');
      expect(printed).toContain('Only in the old system: 1, only here: 30');
      expect(printed).toMatch(/completed \| f +\|\s+1\n.*completed \| t +\|\s+1\n.*failed +\| t +\|\s+1/);
      expect(printed).toContain('The newest run of organization 123: completed');
      expect(printed).toContain('event: snapshot');
      expect(printed).toMatch(/\n +123 \| +30 \|/);
      if (!isOwn) expect(printed).toMatch(/active_contacts +\| view/);
      // The old system works again, and its table has no names.
      expect(await old.sql`select name from active_contacts`).toEqual([{ name: 'Grace Example' }]);
      expect(await old.sql`select from public.sync_logs where error_details is not null`).toHaveLength(0);
      const logs = sql.unsafe(`select from ${isOwn ? 'public' : 'patient_sync'}.sync_logs`);
      expect(await logs).toHaveLength(3);
    },
  );

  test('the guide to notifications, has an endpoint with quiet hours, and a test under way', async () => {
    const reader = await newReader();
    await withDatabase(reader);
    Object.assign(reader.environment, { CREDENTIALS_KEY: randomBytes(32).toString('base64') });
    const printed = (await follow('guides/notifications.md', reader)).join('\n');
    expect(printed).toContain('"kind": "slack"');
    expect(printed).toContain('"state": "pending"');
    expect(printed).toContain('"from": "22:00"');
  });

  test('the operations guide, has a server that tells of itself', async () => {
    const reader = await newReader();
    await withDatabase(reader);
    const printed = (await follow('guides/operations.md', reader)).join('\n');
    expect(printed).toContain('patient_sync_runs{state="queued"} 0');
    expect(printed).toContain('SUCCESS');
    expect(printed).toContain('"https://example.com/hooks"');
  });

  test('the scaling guide, has two servers on one database', async () => {
    const reader = await newReader();
    await withDatabase(reader);
    Object.assign(reader.environment, { CREDENTIALS_KEY: randomBytes(32).toString('base64') });
    expect((await follow('guides/scaling.md', reader)).join('\n')).toContain('"Seen everywhere"');
  });

  test('the guide to the data, has a login for analysts, and revokes it', async () => {
    const reader = await newReader();
    await withDatabase(reader);
    const printed = (await follow('guides/data.md', reader)).join('\n');
    expect(printed).toContain(
      'The SQL reader reports has no rights on the tables any more. Its role is dropped.',
    );
  });

  test('the page about upgrades, has the newest schema', async () => {
    const reader = await newReader();
    await withDatabase(reader);
    expect((await follow('guides/upgrade.md', reader)).join('\n')).toContain('newest schema');
  });

  test('the page about deployment, has the two secrets', async () => {
    const [printed = ''] = await follow('guides/deploy.md', await newReader());
    expect(printed).toMatch(/^[A-Za-z0-9+/]{43}=\n[0-9a-f]{64}\n$/);
  });

  test('the runbook, asks the database questions that it can answer', async () => {
    const reader = await newReader();
    await withDatabase(reader);
    await execute('npm', ['run', 'db:migrate'], { cwd: ROOT, env: reader.environment });
    const printed = await follow('operations/runbook.md', reader);
    expect(printed.length).toBeGreaterThan(5);
  });
});
