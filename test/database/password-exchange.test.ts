/** The password leaves this process only as a proof (SCRAM), and a server that must prove its identity cannot skip that. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/database/driver.ts';
import { test as databaseTest } from '../support/database.ts';

const PASSWORD = 'the-password-of-the-superuser';

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const authentication = (kind: number, rest = Buffer.alloc(0)): Buffer => {
  const body = Buffer.alloc(4);
  body.writeInt32BE(kind);
  return message('R', Buffer.concat([body, rest]));
};
const SSL_REQUEST = 80_877_103;
const READY = message('Z', Buffer.from('I'));

/** A program on the port of the database. It offers no TLS, and answers message n with answer n. */
async function startImpostor(answers: readonly Buffer[]) {
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    let count = 0;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (bytes.length === 8 && bytes.readInt32BE(4) === SSL_REQUEST) return void socket.write('N');
      received.push(bytes);
      const answer = answers[count++];
      if (answer !== undefined) socket.write(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${(server.address() as AddressInfo).port}/patients`;
  return { url, received: () => Buffer.concat(received).toString('latin1') };
}

async function ask(url: string): Promise<unknown> {
  const sql = connect(url, { max: 1, connect_timeout: 5 });
  onTestFinished(() => sql.end({ timeout: 0 }));
  return await sql`select 'of a patient'`.catch((error: { code?: string }) => error.code);
}

describe('a program on the port of the database', () => {
  test.each([
    ['a password in plain text', authentication(3)],
    ['an MD5 of it', authentication(5, Buffer.from('salt'))],
  ])('that asks for %s gets none', async (_kind, request) => {
    const { url, received } = await startImpostor([request, Buffer.concat([authentication(0), READY])]);
    expect(await ask(url)).toBe('PASSWORD_WITHHELD');
    expect(received()).not.toContain(PASSWORD);
    expect(received()).not.toContain('md5');
  });

  test.each([
    ['asks for nothing', [Buffer.concat([authentication(0), READY])]],
    [
      'skips its own proof',
      [authentication(10, Buffer.from('SCRAM-SHA-256\0\0')), Buffer.concat([authentication(0), READY])],
    ],
    [
      'sends the challenge of another conversation',
      [
        authentication(10, Buffer.from('SCRAM-SHA-256\0\0')),
        authentication(11, Buffer.from('r=another,s=c2FsdA==,i=1')),
      ],
    ],
  ])('that %s receives no statement when it must prove its identity', async (_kind, answers) => {
    const { url, received } = await startImpostor(answers);
    expect(await ask(`${url}?require_auth=scram-sha-256`)).toMatch(
      /^(PASSWORD_WITHHELD|SASL_SIGNATURE_MISMATCH)$/,
    );
    expect(received()).not.toContain('of a patient');
    expect(received()).not.toContain(PASSWORD);
  });

  test('that answers with a false proof receives no statement', async () => {
    const { url, received } = await startImpostor([
      authentication(10, Buffer.from('SCRAM-SHA-256\0\0')),
      authentication(12, Buffer.from('v=ZmFsc2U=')),
    ]);
    expect(await ask(url)).toBe('SASL_SIGNATURE_MISMATCH');
    expect(received()).not.toContain('of a patient');
  });
});

databaseTest('a real PostgreSQL passes the proof', async ({ databaseUrl }) => {
  const url = new URL(databaseUrl);
  url.searchParams.set('require_auth', 'scram-sha-256');
  const sql = connect(url.href, { max: 1 });
  onTestFinished(() => sql.end({ timeout: 1 }));
  expect(await sql`select 1 as n`).toEqual([{ n: 1 }]);
});
