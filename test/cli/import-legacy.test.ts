/** `npm run db:import-legacy`: its options and its lines. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished } from 'vitest';
import { importLegacyHistory } from '../../src/cli/import-legacy-history.ts';
import { insertOldRuns, OLD_SCHEMA } from '../legacy/support/old-database.ts';
import { connectInTest, createEmptyDatabase, test } from '../support/database.ts';
import { guideBlock } from '../support/guide.ts';

interface Ended {
  output: string;
  /** Of what it threw; empty when it exits with 0. */
  errors: string;
}

/** In this process: the start of another one takes longer than the command. */
async function run(databaseUrl: string, args: readonly string[]): Promise<Ended> {
  let output = '';
  const screen = { write: (text: string) => (output += text) };
  const environment = { ...process.env, DATABASE_URL: databaseUrl };
  try {
    expect(await importLegacyHistory(args, environment, screen)).toBe(0);
    return { output, errors: '' };
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return { output, errors: error instanceof Error ? error.message : '' };
  }
}

/** As a process whose reader leaves at once, as `| head` does. */
async function runWithoutReader(databaseUrl: string, args: readonly string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/import-legacy.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DATABASE_URL: databaseUrl },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  return { code, errors };
}

async function oldDatabase(): Promise<string> {
  const { url, sql } = await createEmptyDatabase();
  await sql.unsafe(OLD_SCHEMA);
  await insertOldRuns(sql, [
    { status: 'completed', startedAt: '2026-03-01 10:00:00+11', counts: [5, 5, 0] },
    { status: 'timeout', startedAt: '2026-03-02 10:00:00+11', errorDetails: 'Grace Example' },
    { status: 'completed', operation: 'nightly', startedAt: '2026-03-03 10:00:00+11' },
    { status: 'skipped', startedAt: '2026-03-04 10:00:00+11' },
    { status: 'completed', organization: 'org_xyz', startedAt: '2026-03-05 10:00:00+11' },
  ]);
  return url;
}

const register = (databaseUrl: string) =>
  connectInTest(databaseUrl)`insert into organizations (id, country, time_zone, validation)
    values (123, 'AU', 'UTC', '{}')`;

describe('npm run db:import-legacy', () => {
  test('prints a plan, and applies it with --apply', async ({ databaseUrl }) => {
    const from = ['--from', await oldDatabase(), '--map', 'org_abc=123'];
    await register(databaseUrl);
    const dry = await run(databaseUrl, from);
    expect(dry.errors).toBe('');
    expect(dry.output.split('\n')).toEqual([
      'The old table is public.sync_logs.',
      'org_abc -> 123: 4 rows in the old table; 2 to copy, 0 copied before, 2 left out',
      'Status completed -> completed: 1 row',
      'Status timeout -> failed: 1 row',
      'Operation full_patients -> full_patients: 2 rows',
      'Left out, operation nightly (--operation NAME=full_patients copies it): 1 row',
      'Left out, status skipped: nothing ran: 1 row',
      'Reduced: 1 row had an error text, which may name patients. Each gets a sentence without names.',
      'Not mapped: org_xyz, 1 row. --map org_xyz=ID copies them.',
      'This was a dry run: nothing was copied. Add --apply to copy.',
      '',
    ]);
    const applied = await run(databaseUrl, [
      ...from,
      '--operation',
      'nightly=full_patients',
      '--apply',
      '--json',
    ]);
    const lines = applied.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      {
        type: 'organization',
        legacy_id: 'org_abc',
        organization_id: 123,
        rows: 4,
        copied: 3,
        copied_before: 0,
        left_out: 1,
      },
      { type: 'unmapped', legacy_id: 'org_xyz', rows: 1 },
      expect.objectContaining({ type: 'report', applied: true, copied: 3, copied_before: 0, reduced: 1 }),
    ]);
    const [rows] = await connectInTest(
      databaseUrl,
    )`select count(*)::int, bool_or(sync_logs::text ~ 'Grace') as named
      from sync_logs`;
    expect(rows).toEqual({ count: 3, named: false });
    expect(await runWithoutReader(databaseUrl, from)).toEqual({ code: 0, errors: '' });
  });

  test('says how to register an organization, and which zone it needs, before it copies anything', async ({
    databaseUrl,
  }) => {
    const from = await oldDatabase();
    for (const args of [['--dry-run'], ['--apply']]) {
      const ended = await run(databaseUrl, ['--from', from, '--map', 'org_abc=123', ...args]);
      expect(ended.output === '').toBe(args.includes('--apply'));
      expect(ended.errors).toMatch(
        /^No organization 123 is registered here\..*curl -X PUT .*organizations\/123 .*$/,
      );
    }
    await register(databaseUrl);
    const guide = await createEmptyDatabase();
    await guide.sql.unsafe(await guideBlock('sql', 'CREATE TABLE'));
    const mapped = ['--from', guide.url, '--map', '7=123'];
    const withoutZone = await run(databaseUrl, [...mapped, '--apply']);
    expect(withoutZone.errors).toMatch(/^The times in public\.sync_logs have no time zone\..*--timezone.*$/);
    const dry = await run(databaseUrl, mapped);
    expect(dry.errors).toBe('');
    expect(dry.output).toContain('were read as UTC');
  });

  test('names what is wrong with an address or a database in one line', async ({ databaseUrl }) => {
    const empty = await createEmptyDatabase();
    const map = ['--map', 'org_abc=123'];
    const ended = await Promise.all([
      run(databaseUrl, ['--from', 'postgres://127.0.0.1:1/old', ...map]),
      run(databaseUrl, ['--from', empty.url, ...map]),
      run(databaseUrl, ['--from', databaseUrl, ...map]),
      run(empty.url, ['--from', databaseUrl, ...map]),
    ]);
    expect(ended[0]?.errors).toMatch(/^No PostgreSQL accepts connections at 127\.0\.0\.1:1\..* --from, .*$/);
    expect(ended[1]?.errors).toMatch(
      /^The old database has no table sync_logs in the schemas public and old_system\..*$/,
    );
    expect(ended[2]?.errors).toMatch(/^The table sync_logs in the schema public belongs to this server: .*$/);
    expect(ended[3]?.errors).toBe('The database has no tables of this server yet. Run: npm run db:migrate');
  });

  test.for([
    [[], '--from is missing.'],
    [['--from', 'postgres://localhost/x'], '--map is missing.'],
    [['--from', 'postgres://localhost/x', '--map', 'org_abc'], '--map must be OLD=NEW; it was "org_abc".'],
    [['--from', 'postgres://localhost/x', '--map', 'a=0'], '--map must be a whole number from 1'],
    [['--from', 'postgres://localhost/x', '--map', 'a=1', '--map', 'a=2'], '--map names "a" twice.'],
    [
      ['--from', 'postgres://localhost/x', '--map', 'a=1', '--timezone', 'Mars'],
      '--timezone must be a time zone',
    ],
    [['--from', 'postgres://localhost/x', '--map', 'a=1', '--apply', '--dry-run'], 'exclude each other'],
    [
      ['--from', 'postgres://localhost/x', '--map', 'a=1', '--operation', 'a=b'],
      '--operation must name one of',
    ],
  ] as const)('rejects the options %j', async ([args, message]) => {
    const ended = await run('postgres://localhost:1/x', args);
    expect(ended.errors).toContain(message);
  });
});
