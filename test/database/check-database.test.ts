/** Each reason why a database is unusable gives one line that names the variable and what to do. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, inject, onTestFinished } from 'vitest';
import { checkDatabase, withExplanation } from '../../src/database/check-database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { connectInTest, createEmptyDatabase, test } from '../support/database.ts';

async function refusalOf(url: string): Promise<string> {
  const error = await checkDatabase('DATABASE_URL', url, { patienceMs: 700 }).catch(
    (reason: unknown) => reason,
  );
  return error instanceof Error ? error.message : '';
}

function changed(url: string, change: (url: URL) => void): string {
  const copy = new URL(url);
  change(copy);
  return copy.href;
}

/**
 * A listener in place of the database.
 * @returns its address, and the number of connections
 */
async function listen(answer: (socket: import('node:net').Socket) => void) {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => {});
    answer(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://u:s3cret@127.0.0.1:${port}/d`, port, connections: () => connections };
}

/** The explanation of a login that was refused with this error. */
async function refusedWith(code: string, message: string): Promise<string> {
  // pgbouncer sends no severity beside the one that PostgreSQL translates.
  const severity = code === '08P01' ? ['SFATAL'] : ['SFATAL', 'VFATAL'];
  const fields = [...severity, `C${code}`, `M${message}`].map((field) => `${field}\0`).join('');
  const body = Buffer.from(`${fields}\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(body.length + 4, 1);
  const { url } = await listen((socket) => socket.on('data', () => socket.end(Buffer.concat([head, body]))));
  return await refusalOf(`${url}?sslmode=disable`);
}

describe('a database that cannot be used', () => {
  test('is accepted when nothing is wrong', async ({ databaseUrl }) => {
    await checkDatabase('DATABASE_URL', databaseUrl);
  });

  test('wrong password, unknown database, role that may not log in', async ({ databaseUrl }) => {
    const wrong = await refusalOf(changed(databaseUrl, (url) => (url.password = 'wrong')));
    expect(wrong).toMatch(/^The database refused the password of role postgres\. Correct it in DATABASE_URL/);
    const unknown = await refusalOf(changed(databaseUrl, (url) => (url.pathname = '/no-such')));
    expect(unknown).toContain('The database "no-such" does not exist. Correct the name in DATABASE_URL');
    const sql = connectInTest(databaseUrl);
    await sql`create role cannot_log_in nologin password 'secret-of-role'`;
    onTestFinished(async () => {
      const admin = connectInTest(inject('databaseAdminUrl'));
      await admin`drop role cannot_log_in`;
    });
    const role = changed(databaseUrl, (url) => {
      url.username = 'cannot_log_in';
      url.password = 'secret-of-role';
    });
    expect(await refusalOf(role)).toContain('ALTER ROLE cannot_log_in LOGIN');
  });

  test('unknown host, refused port, missing socket', async () => {
    expect(await refusalOf('postgres://u:s3cret@no-such-host.invalid/d')).toMatch(
      /DATABASE_URL.*no-such-host.invalid:5432/,
    );
    const refused = await refusalOf('postgres://u:s3cret@127.0.0.1:1/d');
    expect(refused).toBe(
      'No PostgreSQL accepts connections at 127.0.0.1:1. Check the host and the port in DATABASE_URL, and that the database is running.',
    );
    expect(await refusalOf('postgres://u:s3cret@/d?host=/nowhere')).toContain(
      'no Unix socket at /nowhere/.s.PGSQL.5432',
    );
  });

  test('an address that accepts and closes is tried a few times, then rejected', async () => {
    const closing = await listen((socket) => socket.end());
    expect(await refusalOf(closing.url)).toContain('accepts connections and closes them without an answer');
    expect(await refusalOf(`${closing.url}?sslmode=disable`)).toContain('closes them without an answer');
    expect(closing.connections()).toBeLessThan(10);
  });

  test('an address that is not PostgreSQL, and one without TLS', async ({ databaseUrl }) => {
    const http = await listen((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    expect(await refusalOf(http.url)).toContain('is not PostgreSQL');
    expect(
      await refusalOf(`${databaseUrl}${databaseUrl.includes('?') ? '&' : '?'}sslmode=require`),
    ).toContain('offers no TLS');
  });

  test('a missing entry in pg_hba.conf, also from a database that speaks German', async () => {
    const words =
      'kein pg_hba.conf-Eintrag für Host »10.0.0.7«, Benutzer »u«, Datenbank »d«, keine Verschlüsselung';
    expect(await refusedWith('28000', words)).toMatch(
      /has no entry in pg_hba\.conf for role u .* add sslmode=require to DATABASE_URL/,
    );
  });

  test.for([
    ['08P01', 'no such database: d', 'no such database: d (SQLSTATE 08P01). Check the user'],
    ['08P01', 'no more connections allowed (max_client_conn)', 'the limits of connections there'],
    ['08P01', 'unsupported startup parameter: options', 'refused a parameter of DATABASE_URL'],
    [
      'XX000',
      'Tenant or user not found',
      'the user of a pooler is postgres. and the reference of the project',
    ],
    ['XX000', 'MaxClientsInSessionMode: max clients reached', 'the limits of connections there'],
    ['28000', 'connection requires a valid client certificate', 'a valid client certificate). Correct'],
    ['53200', 'out of shared memory', 'too little memory (out of shared memory)'],
    ['53100', 'could not write to file', 'The disk of the database of DATABASE_URL is full'],
  ] as const)('a pooler or a database that refuses the login with %s, %j', async ([code, message, words]) => {
    expect(await refusedWith(code, message)).toContain(words);
  });

  test('no schema public', async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql`drop schema public`;
    const error = await migrate(url).catch((reason: unknown) => withExplanation('DATABASE_URL', url, reason));
    expect(String(error)).toMatch(/has no schema public\. .*: CREATE SCHEMA public AUTHORIZATION postgres$/);
  });

  test.for([['SQL_ASCII'], ['LATIN1']] as const)('the encoding %s', async ([encoding]) => {
    const admin = connectInTest(inject('databaseAdminUrl'));
    const name = `t_${encoding.toLowerCase()}`;
    await admin.unsafe(`create database ${name} encoding '${encoding}' locale 'C' template template0`);
    onTestFinished(async () => {
      const last = connectInTest(inject('databaseAdminUrl'));
      await last.unsafe(`drop database ${name} with (force)`);
    });
    const url = changed(inject('databaseAdminUrl'), (copy) => (copy.pathname = `/${name}`));
    expect(await refusalOf(url)).toContain(`has the encoding ${encoding}`);
  });

  test('a role without the right to create tables', async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql`create role poor login password 'secret-of-role'`;
    onTestFinished(async () => {
      const admin = connectInTest(inject('databaseAdminUrl'));
      await admin`drop role poor`;
    });
    const poor = changed(url, (copy) => {
      copy.username = 'poor';
      copy.password = 'secret-of-role';
    });
    const error = await migrate(poor).catch((reason: unknown) =>
      withExplanation('DATABASE_URL', poor, reason),
    );
    expect(error).toMatchObject({
      name: 'DatabaseStartError',
      message: expect.stringMatching(
        /Role poor lacks a right .* \(permission denied for schema public\)\. .* GRANT USAGE, CREATE ON SCHEMA public TO poor$/,
      ),
    });
  });
});
