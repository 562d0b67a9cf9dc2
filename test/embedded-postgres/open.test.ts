/** The embedded PostgreSQL without faults: opened, shared and stopped, as any user. */
import { execFile } from 'node:child_process';
import { chmod, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openEmbeddedDatabase } from '../../src/embedded-postgres/open.ts';
import { ask, killPostmaster, newDataDir, open, postmasterPid, startProcess } from '../support/embedded.ts';

const execute = promisify(execFile);
const AS_ROOT = process.getuid?.() === 0;

describe('opening and stopping', () => {
  test('a first start creates a database that answers, in UTC and UTF-8', async () => {
    const dataDir = await newDataDir();
    const database = await open(dataDir);
    expect(database).toMatchObject({ attached: false, notice: undefined });
    const [row] = await ask(
      database.url,
      (sql) => sql`select current_database() as name, current_setting('TimeZone') as zone,
        current_setting('server_encoding') as encoding, current_setting('fsync') as fsync, lower('É') as lower`,
    );
    expect(row).toEqual({ name: 'patient_sync', zone: 'UTC', encoding: 'UTF8', fsync: 'off', lower: 'é' });
  });

  test('a login needs the password, which only its owner can read', async () => {
    const dataDir = await newDataDir();
    const database = await open(dataDir);
    const url = new URL(database.url);
    expect(url.hostname).toBe('127.0.0.1');
    expect(url.password).toMatch(/^[\w-]{32}$/);
    for (const password of ['', 'guess']) {
      url.password = password;
      await expect(ask(url.href, (sql) => sql`select 1`)).rejects.toMatchObject({ code: /28P01|SASL/ });
    }
    const file = await stat(join(dataDir, 'postgres', 'password'));
    expect(file.mode & 0o777).toBe(0o600);
    const rules = await ask(database.url, (sql) => sql`select distinct auth_method from pg_hba_file_rules`);
    expect([...rules]).toEqual([{ auth_method: 'scram-sha-256' }]);
  });

  test('stored data survives a stop and a start', async () => {
    const dataDir = await newDataDir();
    const first = await open(dataDir);
    await ask(first.url, (sql) => sql`create table kept as select 42 as answer`);
    await first.stop();
    expect(await postmasterPid(dataDir)).toBeUndefined();
    const second = await open(dataDir);
    expect(second.attached).toBe(false);
    expect([...(await ask(second.url, (sql) => sql`select answer from kept`))]).toEqual([{ answer: 42 }]);
  });

  test('the log contains no statement and no text of its errors', async () => {
    const dataDir = await newDataDir();
    const database = await open(dataDir);
    await expect(ask(database.url, (sql) => sql.unsafe(`select 'Ada Lovelace'::date`))).rejects.toThrow();
    await database.stop();
    const log = await readFile(join(dataDir, 'postgres', 'log'), 'utf8');
    expect(log).toContain('ready to accept connections');
    expect(log).not.toContain('Lovelace');
  });

  test('an unknown setting gives an error that quotes the log and the fix', async () => {
    const dataDir = await newDataDir();
    const opening = openEmbeddedDatabase({ dataDir, settings: { no_such_setting: 'x' } });
    await expect(opening).rejects.toMatchObject({
      name: 'EmbeddedDatabaseError',
      message: expect.stringMatching(/no_such_setting.*DATABASE_URL/s),
    });
  });

  test('files of another major version give an error that names both versions and the page', async () => {
    const dataDir = await newDataDir();
    const database = await open(dataDir);
    await database.stop();
    await writeFile(join(dataDir, 'postgres', 'data', 'PG_VERSION'), '17\n');
    await expect(openEmbeddedDatabase({ dataDir })).rejects.toMatchObject({
      name: 'EmbeddedDatabaseError',
      message: expect.stringMatching(/written by PostgreSQL 17, and this release has \d+\..*upgrade\.md/),
    });
  });

  test('a data directory that cannot be made gives an error that names it, without a password, and both ways out', async () => {
    await expect(openEmbeddedDatabase({ dataDir: '/dev/null/postgres://anna:Quokka@host' })).rejects.toThrow(
      'DATA_DIR must be a folder that this user can make and write to; it was "/dev/null/postgres://…@host". Set DATABASE_URL',
    );
  });

  test('a first start that a signal has ended starts no PostgreSQL, and the next start uses its files', async () => {
    const dataDir = await newDataDir();
    const leaving = AbortSignal.abort(new Error('leaving'));
    await expect(openEmbeddedDatabase({ dataDir, leaving })).rejects.toThrow('leaving');
    expect(await postmasterPid(dataDir)).toBeUndefined();
    const database = await open(dataDir);
    await expect(ask(database.url, (sql) => sql`select 1 as one`)).resolves.toHaveLength(1);
  });

  test('stopping twice is stopping once', async () => {
    const dataDir = await newDataDir();
    const database = await open(dataDir);
    await Promise.all([database.stop(), database.stop()]);
    await database.stop();
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });

  test('stopping does not hang when PostgreSQL was killed before', async () => {
    const dataDir = await newDataDir();
    const database = await open(dataDir);
    await killPostmaster(dataDir);
    await database.stop();
    const again = await open(dataDir);
    await expect(ask(again.url, (sql) => sql`select 1 as one`)).resolves.toHaveLength(1);
  });
});

describe('two processes on one data directory', () => {
  test('that start at once on an empty one share a database, and the last to stop stops it', async () => {
    const dataDir = await newDataDir();
    const starting = [startProcess(dataDir), startProcess(dataDir), startProcess(dataDir)] as const;
    const [one, two, three] = await Promise.all(starting);
    expect(new Set([one.url, two.url, three.url]).size).toBe(1);
    expect([one, two, three].filter(({ attached }) => !attached)).toHaveLength(1);
    await one.stop();
    await two.stop();
    await ask(three.url, (sql) => sql`select 1`);
    await three.stop();
    expect(await postmasterPid(dataDir)).toBeUndefined();
    expect((await readdir(join(dataDir, 'postgres'))).sort()).toEqual(['data', 'log', 'password']);
  });

  test('that stop at once leave nothing running', async () => {
    const dataDir = await newDataDir();
    const one = await startProcess(dataDir);
    const two = await startProcess(dataDir);
    await Promise.all([one.stop(), two.stop()]);
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });

  test('one that starts while the other stops it gets a running database', async () => {
    const dataDir = await newDataDir();
    for (let round = 0; round < 5; round += 1) {
      const leaving = await open(dataDir);
      const [, arrived] = await Promise.all([leaving.stop(), open(dataDir)]);
      await expect(ask(arrived.url, (sql) => sql`select 1 as one`)).resolves.toHaveLength(1);
      await arrived.stop();
    }
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });
});

describe.runIf(AS_ROOT)('as root, in a directory that no other user may enter', () => {
  test('the database is stored elsewhere, is found again, and the notice says where', async () => {
    const dataDir = await newDataDir();
    await chmod(dataDir, 0o700);
    const inside = join(dataDir, 'deep', '.data');
    const first = await open(inside);
    const elsewhere = await readlink(join(inside, 'postgres'));
    onTestFinished(() => rm(elsewhere, { recursive: true, force: true }));
    expect(first.notice).toContain(elsewhere);
    expect(elsewhere).toMatch(/^\/var\/lib\/patient-sync\//);
    await ask(first.url, (sql) => sql`create table kept as select 42 as answer`);
    await first.stop();
    const second = await open(inside);
    expect([...(await ask(second.url, (sql) => sql`select answer from kept`))]).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  test('processes that start at once still share one database', async () => {
    const dataDir = await newDataDir();
    await chmod(dataDir, 0o700);
    const [one, two] = await Promise.all([startProcess(dataDir), startProcess(dataDir)]);
    const elsewhere = await readlink(join(dataDir, 'postgres'));
    onTestFinished(() => rm(elsewhere, { recursive: true, force: true }));
    expect(one.url).toBe(two.url);
    await Promise.all([one.stop(), two.stop()]);
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });
});

describe.runIf(AS_ROOT)('started by root', () => {
  const ownerOf = async (dataDir: string) => (await stat(join(dataDir, 'postgres', 'data'))).uid;

  test('each cluster runs as its own user, without an account', async () => {
    const [first, second] = [await newDataDir(), await newDataDir()];
    await Promise.all([open(first), open(second)]);
    const users = [await ownerOf(first), await ownerOf(second)];
    expect(new Set([...users, 0, 65_534]).size).toBe(4);
    const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':')[2]);
    for (const user of users) expect(accounts).not.toContain(String(user));
    const process = await stat(`/proc/${await postmasterPid(first)}`);
    expect(process.uid).toBe(users[0]);
  });

  test('a cluster of the user `nobody` from an older version gets its own user and keeps its data', async () => {
    const dataDir = await newDataDir();
    const old = await open(dataDir);
    await ask(old.url, (sql) => sql`create table kept as select 42 as answer`);
    await old.stop();
    await execute('chown', ['-R', '65534:65534', join(dataDir, 'postgres', 'data')]);
    const database = await open(dataDir);
    expect([...(await ask(database.url, (sql) => sql`select answer from kept`))]).toEqual([{ answer: 42 }]);
    expect(await ownerOf(dataDir)).not.toBe(65_534);
  });
});
