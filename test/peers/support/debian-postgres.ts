/**
 * A PostgreSQL of Debian for one test, with an owner who is no superuser and two databases of that owner. With `tls` as a
 * provider runs it: certificates of an authority of its own, no connection without TLS, and passwords as SCRAM.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, chown, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { connectPostgres } from '../../support/postgres.ts';
import { folder, run } from './program.ts';

/** Debian keeps each version in a folder of its own; the newest one. */
const BIN = findBin();
const UNPRIVILEGED = 65_534;
export const IDENTITY = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : undefined;
const user = IDENTITY ?? {};
const PASSWORD = 'p@ss word/1';

export interface DebianPostgres {
  /** Without TLS the cluster asks for no password. */
  urlOf(role: string, database: string): string;
  admin: ReturnType<typeof connectPostgres>;
  logged(): string;
  /** Certificates of `localhost` and their authority, as files. */
  tls: { ca: string; certificate: string; key: string };
}

export interface DebianPostgresOptions {
  tls?: boolean;
  maxConnections?: number;
}

export async function startDebianPostgres(options: DebianPostgresOptions = {}): Promise<DebianPostgres> {
  const { tls: withTls = false, maxConnections = 100 } = options;
  const [dir, port] = [await folder(), await freePort()];
  if (IDENTITY) await chown(dir, IDENTITY.uid, IDENTITY.gid);
  const data = join(dir, 'data');
  const made = spawnSync(`${BIN}/initdb`, ['-D', data, '-U', 'admin', '--auth=trust', '-E', 'UTF8'], user);
  expect(made.status, String(made.stderr)).toBe(0);
  const tls = {
    ca: join(dir, 'ca.pem'),
    certificate: join(dir, 'server.pem'),
    key: join(dir, 'server.key'),
  };
  if (withTls) await requireTls(dir, data, tls);
  const args = ['-D', data, '-p', `${port}`, '-k', dir, '-h', '127.0.0.1', '-N', `${maxConnections}`];
  const server = run(`${BIN}/postgres`, args, user);
  let logged = '';
  server.stderr?.on('data', (chunk) => (logged += chunk));
  // SIGINT, not SIGTERM: it does not wait for sessions.
  onTestFinished(async () => {
    if (server.exitCode !== null) return;
    server.kill('SIGINT');
    await once(server, 'exit');
  });
  const path = join(dir, `.s.PGSQL.${port}`);
  const admin = connectPostgres('postgres://admin@localhost/postgres', { path, connect_timeout: 2 });
  onTestFinished(() => admin.end({ timeout: 1 }));
  await vi.waitFor(() => admin`select 1`, 20_000);
  await admin.unsafe(`create role owner login createrole password '${PASSWORD}'`);
  for (const name of ['before', 'after']) await admin.unsafe(`create database ${name} owner owner`);
  const secret = withTls ? `:${encodeURIComponent(PASSWORD)}` : '';
  const host = withTls ? 'localhost' : '127.0.0.1';
  const urlOf = (role: string, database: string) => `postgres://${role}${secret}@${host}:${port}/${database}`;
  return { urlOf, admin, tls, logged: () => logged };
}

async function requireTls(dir: string, data: string, tls: DebianPostgres['tls']): Promise<void> {
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8', ...user });
    expect(status, stderr).toBe(0);
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=A provider'],
    ...['-keyout', 'ca.key', '-out', 'ca.pem'],
  );
  await writeFile(join(dir, 'names'), 'subjectAltName=DNS:localhost');
  openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
  openssl(
    ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-days', '2', '-extfile', 'names', '-out', 'server.pem'],
  );
  await appendFile(
    join(data, 'postgresql.conf'),
    `ssl = on\nssl_cert_file = '${tls.certificate}'\nssl_key_file = '${tls.key}'\npassword_encryption = scram-sha-256\n`,
  );
  await writeFile(
    join(data, 'pg_hba.conf'),
    'local all admin trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n',
  );
}

/** The CA as a text, for DATABASE_CA. */
export const readCa = ({ tls }: DebianPostgres): Promise<string> => readFile(tls.ca, 'utf8');

function findBin(): string {
  const root = '/usr/lib/postgresql';
  const versions = readdirSync(root).filter((name) => existsSync(`${root}/${name}/bin/initdb`));
  return `${root}/${versions.sort((one, other) => Number(other) - Number(one))[0]}/bin`;
}

export const programOf = (name: string): string => `${BIN}/${name}`;

/** Runs a program of that version, which prints no error. */
export function execute(
  program: string,
  args: readonly string[],
  identity: { uid: number; gid: number } | undefined = undefined,
): void {
  // Another user may not enter the folder of the tests.
  const options = { cwd: '/', encoding: 'utf8', ...identity } as const;
  const { status, stderr } = spawnSync(programOf(program), args, options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}
