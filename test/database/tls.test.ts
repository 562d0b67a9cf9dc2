/** TLS to the database, against a PostgreSQL behind a proxy that speaks TLS as PostgreSQL does. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished } from 'vitest';
import { readDatabaseConfig } from '../../src/config/config.ts';
import { checkDatabase } from '../../src/database/check-database.ts';
import { openDatabase } from '../../src/database/open.ts';
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.ts';
import { test } from '../support/database.ts';

/** @returns the port of a proxy that accepts TLS only */
async function openTlsProxy(databaseUrl: string): Promise<number> {
  const target = new URL(databaseUrl);
  const secureContext = createSecureContext({ cert: CERTIFICATE, key: PRIVATE_KEY });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write('S');
      const secured = new TLSSocket(socket, { isServer: true, secureContext });
      const database = connect(Number(target.port), target.hostname);
      for (const one of [secured, database]) one.on('error', () => database.destroy());
      secured.pipe(database).pipe(secured);
    });
  });
  server.listen(0);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function reach(databaseUrl: string, host: string, query: string, ca?: string) {
  const url = new URL(databaseUrl);
  url.host = `${host}:${await openTlsProxy(databaseUrl)}`;
  url.search = query;
  const { databaseUrl: address = '' } = readDatabaseConfig({
    DATABASE_URL: url.href,
    ...(ca && { DATABASE_CA: ca }),
  });
  const warnings: string[] = [];
  const logger = { warn: (text: string) => void warnings.push(text) };
  const refusal = await checkDatabase('DATABASE_URL', address, { logger, patienceMs: 0 }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { address, warnings, refusal };
}

describe('PGSSLMODE', () => {
  const read = (environment: Record<string, string>) => readDatabaseConfig(environment).databaseUrl;
  test.for([
    ['postgres://u:p@h/d', 'postgres://u:p@h/d?sslmode=require'],
    ['postgres://u:p@h/d?connect_timeout=3', 'postgres://u:p@h/d?connect_timeout=3&sslmode=require'],
    ['host=h dbname=d', "host=h dbname=d sslmode='require'"],
    ['host=h password=a://b dbname=d', "host=h password=a://b dbname=d sslmode='require'"],
    ["host=h dbname=d password='a ssl=b'", "host=h dbname=d password='a ssl=b' sslmode='require'"],
    ['postgres://u:p@h/d?sslmode=verify-full', 'postgres://u:p@h/d?sslmode=verify-full'],
    ['postgres://u:p@h/d?ssl=true', 'postgres://u:p@h/d?ssl=true'],
  ] as const)('is the sslmode of an address without one: %s', ([DATABASE_URL, expected]) => {
    expect(read({ DATABASE_URL, PGSSLMODE: 'require' })).toBe(expected);
  });

  test('stops the start when it has no known value', () => {
    const environment = { DATABASE_URL: 'postgres://h/d', PGSSLMODE: 'maybe' };
    expect(() => read(environment)).toThrow(/^PGSSLMODE must be .*verify-full; it was "maybe"\.$/);
  });
});

describe('DATABASE_CA', () => {
  const read = (ca: string) => readDatabaseConfig({ DATABASE_URL: 'postgres://h/d', DATABASE_CA: ca });

  test.for([
    ['spaces', ' '],
    ['the letters of an escape', '\\n'],
    ['nothing', ''],
  ] as const)('whose line breaks became %s stops the start', ([, lineBreak]) => {
    expect(() => read(CERTIFICATE.replaceAll('\n', lineBreak))).toThrow(
      'DATABASE_URL has an sslrootcert (or DATABASE_CA) with a certificate that cannot be read: write it with its line breaks, or name a file.',
    );
  });

  test('may hold several certificates, with remarks and line breaks of Windows', () => {
    const bundle = `# The old one\n${CERTIFICATE}\n# The new one\n${CERTIFICATE}\n`;
    expect(() => read(bundle)).not.toThrow();
    expect(() => read(bundle.replaceAll('\n', '\r\n'))).not.toThrow();
  });
});

describe('a database that offers TLS with a certificate of its own', () => {
  test.for([
    ['', 'localhost'],
    ['?sslmode=verify-full', 'localhost'],
    ['?sslmode=verify-ca', 'localhost'],
    ['?ssl=true', 'localhost'],
  ] as const)('"%s" ends with a line that names DATABASE_CA', async ([query, host], { databaseUrl }) => {
    const { refusal } = await reach(databaseUrl, host, query);
    expect(refusal).toMatch(
      /cannot be verified \(\w+\)\. Set DATABASE_CA .* sslmode=require to DATABASE_URL \(or set PGSSLMODE=require\)/,
    );
  });

  test.for([
    ['', 'localhost', true],
    ['?sslmode=verify-full', 'localhost', true],
    ['?sslmode=verify-ca', '127.0.0.1', true],
    ['?sslmode=require', '127.0.0.1', true],
    ['?sslmode=verify-full', '127.0.0.1', false],
  ] as const)('with DATABASE_CA, "%s" at %s: %s', async ([query, host, works], { databaseUrl }) => {
    const { refusal, address, warnings } = await reach(databaseUrl, host, query, CERTIFICATE);
    expect(refusal === undefined).toBe(works);
    expect(warnings).toEqual([]);
    if (!works) return;
    const database = openDatabase(address, { max: 1 });
    expect(await database.sql`select 1 as one`).toEqual([{ one: 1 }]);
    await database.close();
  });

  test.for([['?sslmode=require'], ['?sslmode=no-verify']] as const)(
    '"%s" without a CA is encrypted, with one warning',
    async ([query], { databaseUrl }) => {
      const { refusal, warnings } = await reach(databaseUrl, '127.0.0.1', query);
      expect(refusal).toBeUndefined();
      expect(warnings).toEqual([expect.stringContaining('not verified')]);
    },
  );
});
