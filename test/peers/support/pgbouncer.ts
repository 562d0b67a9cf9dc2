/** pgbouncer before a test's database. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { connectPostgres } from '../../support/postgres.ts';
import { folder, run } from './program.ts';

/** @param tls of the cluster behind it: both sides then speak TLS, with this certificate */
export async function startPgbouncer(
  databaseUrl: string,
  mode: 'transaction' | 'session' = 'transaction',
  tls?: { ca: string; certificate: string; key: string },
): Promise<string> {
  const [dir, port] = [await folder(), await freePort()];
  const url = new URL(databaseUrl);
  const user = decodeURIComponent(url.username);
  await writeFile(join(dir, 'users'), `"${user}" "${decodeURIComponent(url.password)}"\n`, { mode: 0o644 });
  const config = `[databases]
* = host=${url.hostname} port=${url.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = scram-sha-256
auth_file = ${join(dir, 'users')}
pool_mode = ${mode}
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
${
  tls === undefined
    ? ''
    : `client_tls_sslmode = require
client_tls_key_file = ${tls.key}
client_tls_cert_file = ${tls.certificate}
server_tls_sslmode = verify-full
server_tls_ca_file = ${tls.ca}
`
}`;
  await writeFile(join(dir, 'pgbouncer.ini'), config, { mode: 0o644 });
  run('pgbouncer', [join(dir, 'pgbouncer.ini')], process.getuid?.() === 0 ? { uid: 65_534 } : {});
  const pooled = new URL(databaseUrl);
  pooled.port = String(port);
  await vi.waitFor(async () => {
    const sql = connectPostgres(pooled.href, {
      prepare: false,
      connect_timeout: 2,
      ...(tls && { ssl: 'require' }),
    });
    await sql`select 1`.finally(() => sql.end({ timeout: 1 }));
  }, 10_000);
  return pooled.href;
}
