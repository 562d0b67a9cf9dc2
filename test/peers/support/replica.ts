/** A streaming replica of a Debian PostgreSQL, made with pg_basebackup. */
import { once } from 'node:events';
import { chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { connectPostgres } from '../../support/postgres.ts';
import { execute, IDENTITY, programOf } from './debian-postgres.ts';
import { folder, run } from './program.ts';

export interface Replica {
  urlOf(role: string, database: string): string;
  /** With replay paused it keeps answering, with the rows it has. */
  pauseReplay(paused: boolean): Promise<void>;
  /** From then on it takes writes, and follows the primary no longer. */
  promote(): Promise<void>;
  kill(): Promise<void>;
}

export async function startReplica(primaryUrl: string): Promise<Replica> {
  const [dir, port] = [await folder(), await freePort()];
  if (IDENTITY) await chown(dir, IDENTITY.uid, IDENTITY.gid);
  const data = join(dir, 'data');
  execute('pg_basebackup', ['-D', data, '-d', primaryUrl, '-R', '-X', 'stream', '-c', 'fast'], IDENTITY);
  await chmod(data, 0o700);
  const server = run(
    programOf('postgres'),
    ['-D', data, '-p', `${port}`, '-k', dir, '-h', '127.0.0.1'],
    IDENTITY,
  );
  onTestFinished(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGINT');
    await once(server, 'exit');
  });
  const urlOf = (role: string, database: string) => `postgres://${role}@127.0.0.1:${port}/${database}`;
  const admin = connectPostgres(urlOf('admin', 'postgres'), { connect_timeout: 2 });
  onTestFinished(() => admin.end({ timeout: 1 }));
  await vi.waitFor(() => admin`select 1`, 20_000);
  return {
    urlOf,
    async pauseReplay(paused) {
      if (paused) await admin`select pg_wal_replay_pause()`;
      else await admin`select pg_wal_replay_resume()`;
      const state = paused ? 'paused' : 'not paused';
      await vi.waitFor(async () => {
        const [row] = await admin`select pg_get_wal_replay_pause_state() as state`;
        if (row?.state !== state) throw new Error(`The replay is ${row?.state}.`);
      });
    },
    async promote() {
      await admin`select pg_promote()`;
    },
    async kill() {
      server.kill('SIGKILL');
      await once(server, 'exit');
    },
  };
}
