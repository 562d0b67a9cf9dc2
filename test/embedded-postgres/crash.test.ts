/** The embedded PostgreSQL after kills and power cuts: stored data survives, and no manual cleanup is needed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  ask,
  countSessions,
  killPostmaster,
  newDataDir,
  open,
  PROCESS,
  postmasterPid,
  startProcess,
  writeLock,
} from '../support/embedded.ts';

/** @returns a data directory with an unfinished cluster */
async function killedDuringFirstStart(): Promise<string> {
  // On a busy machine the cluster may be finished before the kill. Then the next directory is tried.
  for (;;) {
    const dataDir = await newDataDir();
    const names = (): Promise<string[]> => readdir(join(dataDir, 'postgres')).catch(() => []);
    const child = spawn(process.execPath, ['--import', 'tsx', PROCESS, dataDir], { stdio: 'pipe' });
    await expect.poll(names, { interval: 5 }).not.toEqual([]);
    await expect.poll(names, { interval: 5 }).toContainEqual(expect.stringMatching(/^(initdb-|data$)/));
    child.kill('SIGKILL');
    await once(child, 'exit');
    if (!(await names()).includes('data')) return dataDir;
  }
}

describe('after a crash', () => {
  test('PostgreSQL outlives its process; the next one finds it and can stop it', async () => {
    const dataDir = await newDataDir();
    const owner = await startProcess(dataDir);
    const pid = await postmasterPid(dataDir);
    await owner.kill();
    const next = await open(dataDir);
    expect(next).toMatchObject({ attached: true, url: owner.url });
    expect(await postmasterPid(dataDir)).toBe(pid);
    await next.stop();
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });

  test('a start right after both were killed recovers what was stored', async () => {
    const dataDir = await newDataDir();
    const owner = await startProcess(dataDir);
    await ask(owner.url, (sql) => sql`create table kept as select 42 as answer`);
    await Promise.all([owner.kill(), killPostmaster(dataDir)]);
    const next = await open(dataDir);
    expect([...(await ask(next.url, (sql) => sql`select answer from kept`))]).toEqual([{ answer: 42 }]);
  });

  test('a lock file with the process id of another program does not prevent a start', async () => {
    const dataDir = await newDataDir();
    const first = await open(dataDir);
    await first.stop();
    const externalWriter = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    onTestFinished(() => void externalWriter.kill());
    await writeLock(
      dataDir,
      `${externalWriter.pid}\n${dataDir}/postgres/data\n1700000000\n5432\n\n127.0.0.1\n\nready\n`,
    );
    const second = await open(dataDir);
    expect(second.attached).toBe(false);
    await ask(second.url, (sql) => sql`select 1`);
    expect(externalWriter.exitCode).toBeNull();
  });

  test('a lock file that a power cut left empty does not prevent a start', async () => {
    const dataDir = await newDataDir();
    const first = await open(dataDir);
    await first.stop();
    await writeLock(dataDir, '');
    const second = await open(dataDir);
    await ask(second.url, (sql) => sql`select 1`);
  });

  test('the leftovers of an interrupted first start are removed', async () => {
    const dataDir = await newDataDir();
    const leftover = join(dataDir, 'postgres', 'initdb-killed', 'data');
    await mkdir(leftover, { recursive: true });
    await writeFile(join(leftover, 'PG_VERSION'), '18\n');
    const database = await open(dataDir);
    await ask(database.url, (sql) => sql`select 1`);
    expect(await readdir(join(dataDir, 'postgres'))).not.toContain('initdb-killed');
  });

  test('a first start that was killed half-way is repeated', async () => {
    const dataDir = await killedDuringFirstStart();
    const database = await open(dataDir);
    await ask(database.url, (sql) => sql`select 1`);
  });

  test('a connection that was lost in a crash of one session is opened again', async () => {
    const dataDir = await newDataDir();
    const [one, two] = [await open(dataDir), await startProcess(dataDir)];
    const connected = () =>
      ask(two.url, (sql) => sql`select pid from pg_stat_activity where application_name like '%shared'`);
    const before = new Set((await connected()).map(({ pid }) => pid));
    process.kill([...before][0], 'SIGKILL');
    // Until PostgreSQL notices the crash, it still lists the old sessions; a crash ends all of them.
    const reconnected = async () => (await connected()).filter(({ pid }) => !before.has(pid)).length;
    await expect.poll(() => reconnected().catch(() => 0)).toBe(2);
    await one.stop();
    await ask(two.url, (sql) => sql`select 1`);
    await two.stop();
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });

  test('PostgreSQL killed in use restarts at the same address', async () => {
    const dataDir = await newDataDir();
    const [one, two] = [await open(dataDir), await open(dataDir)];
    await killPostmaster(dataDir);
    await expect.poll(() => countSessions(one.url).catch(() => 0)).toBe(2);
    await one.stop();
    await two.stop();
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });
});
