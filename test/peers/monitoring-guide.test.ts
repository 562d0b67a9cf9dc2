/** The guide, followed to the letter with the programs that its readers use: bash, curl, jq and psql. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { guideBlock, guideBlocks } from '../support/guide.ts';
import { startTestServer } from '../support/server.ts';
import { openStream } from '../support/stream.ts';
import { forPsql } from './support/psql-address.ts';

const execute = promisify(execFile);

async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(command, args);
  return stdout;
}

const psql = (databaseUrl: string, ...args: string[]) => run('psql', forPsql(databaseUrl), ...args);

describe('the script of the guide', () => {
  test('reports 100 % and completed; only the port is another one', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 120 });
    const script = await guideBlock('bash', 'test_sync_monitoring.sh');

    const output = await run('bash', '-c', script.replace('http://localhost:8000', server.url));

    expect(output).toContain('Progress: 100% (Status: completed)');
    expect(output).toContain('Sync finished with status: completed');
  });
});

describe('the SQL of the guide', () => {
  test('runs unchanged on our sync_logs', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const script = await guideBlock('bash', 'test_sync_monitoring.sh');
    await run('bash', '-c', script.replace('http://localhost:8000', server.url));
    const queries = (await guideBlocks('sql')).filter((block) => !block.includes('CREATE TABLE'));

    const answers: string[] = [];
    for (const query of queries)
      answers.push(await psql(databaseUrl, '--csv', '-v', 'ON_ERROR_STOP=1', '-c', query));

    expect(queries).toHaveLength(2);
    expect(answers.join('\n')).toContain('full_patients,completed,648,648,100,');
    expect(answers.join('\n')).toMatch(/full_patients,[0-9.]+,648\.0/);
  });

  test('creates the very table that we have', async ({ databaseUrl }) => {
    const [create = ''] = (await guideBlocks('sql')).filter((block) => block.includes('CREATE TABLE'));
    const columns = (table: string) => `select column_name, data_type, character_maximum_length, is_nullable,
      replace(column_default, '${table}', 'sync_logs') from information_schema.columns
      where table_name = '${table}' and table_schema = 'public' order by ordinal_position`;
    await psql(databaseUrl, '-c', create.replace('sync_logs', 'guide_logs'));

    const theirs = await psql(databaseUrl, '--csv', '-c', columns('guide_logs'));
    expect(await psql(databaseUrl, '--csv', '-c', columns('sync_logs'))).toBe(theirs);
    const constraints = await psql(
      databaseUrl,
      '-tAc',
      `select string_agg(contype::text, ',') from pg_constraint where conrelid = 'sync_logs'::regclass and contype <> 'n'`,
    );
    expect(constraints.trim()).toBe('p');
  });
});

describe('a row written with psql', () => {
  test('is on the stream', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/321/events`);
    await stream.until((sent) => sent.length === 2);
    await psql(
      databaseUrl,
      '-c',
      `insert into sync_logs (organization_id, operation_type, status, started_at)
      values (321, 'by_psql', 'running', now())`,
    );

    const sent = await stream.until((all) => all.length === 3);
    expect(sent.at(-1)).toMatchObject({ event: 'started', data: expect.stringContaining('by_psql') });
  });
});
