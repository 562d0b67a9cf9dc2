/** JWTs of an identity provider: what is taken, and every known way to forge one. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { createJwtVerifier, JWT_ALGORITHMS, type JwtConfig } from '../../src/access/jwt.ts';
import { ProblemError } from '../../src/http/problem.ts';
import { test } from '../support/database.ts';
import { startSocket } from '../support/socket.ts';
import { OURS, startGuardedServer, THEIRS } from './support/guarded-server.ts';

const ISSUER = 'https://id.example';
const AUDIENCE = 'patient-sync';

/** A provider that publishes its key, and the next one. */
async function startProvider(answer: { status: number; reads?: number } = { status: 200 }) {
  const keys = await generateKeyPair('RS256', { extractable: true });
  const published = { ...(await exportJWK(keys.publicKey)), kid: 'a', alg: 'RS256', use: 'sig' };
  const next = { ...published, kid: 'next' };
  const server = createServer((_request, response) => {
    answer.reads = (answer.reads ?? 0) + 1;
    response
      .writeHead(answer.status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ keys: [published, next] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const jwt: JwtConfig = {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUrl,
    algorithms: [...JWT_ALGORITHMS],
    organizationsClaim: 'orgs',
    scopeClaim: 'role',
  };
  return { keys, config: { jwt } };
}

const claims = (change: Record<string, unknown> = {}) => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'kim',
  exp: Math.floor(Date.now() / 1_000) + 300,
  orgs: [OURS],
  role: 'read',
  ...change,
});

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a JWT of the identity provider', () => {
  test('holds what its claims say, on requests and streams', async ({ databaseUrl }) => {
    const { keys, config } = await startProvider();
    const server = await startGuardedServer(databaseUrl, { config });
    const sign = (change?: Record<string, unknown>) =>
      new SignJWT(claims(change)).setProtectedHeader({ alg: 'RS256', kid: 'a' }).sign(keys.privateKey);
    const reader = await sign();
    expect((await server.as(reader, `/cliniko/sync-logs/${OURS}`)).status).toBe(200);
    expect((await server.as(reader, `/cliniko/sync-logs/${THEIRS}`)).status).toBe(403);
    expect((await server.as(reader, `/cliniko/sync-all/${OURS}`, { method: 'POST' })).status).toBe(403);
    const lasting = await sign({ exp: 253_402_300_799 });
    expect(await (await server.as(lasting, '/account')).json()).toMatchObject({
      kind: 'token',
      expires_at: '9999-12-31T23:59:59.000Z',
    });
    const issued = await server.as(reader, '/stream-tokens', { method: 'POST', body: '{}' });
    const { expires_at } = await issued.json();
    expect(Date.parse(expires_at) - Date.now()).toBeLessThanOrEqual(300_000);
    const all = await sign({ orgs: '*', role: 'sync' });
    expect((await server.as(all, `/cliniko/sync-all/${THEIRS}`, { method: 'POST' })).status).toBe(200);
    expect(await server.database.sql`select actor from audit_log where action = 'sync.start'`).toEqual([
      { actor: 'jwt:kim' },
    ]);
    // Text ids are what some providers make of a list.
    expect((await server.as(await sign({ orgs: [String(OURS)] }), `/cliniko/sync-logs/${OURS}`)).status).toBe(
      200,
    );

    const ending = startSocket(server, '?organizations=*', {
      headers: {
        authorization: `Bearer ${await sign({ exp: Math.floor(Date.now() / 1_000) + 3 })}`,
      },
    });
    expect(await ending.closed).toBe(4401);
    expect(ending.frames().at(-1)).toMatchObject({ type: 'bye', reason: 'reauth' });
  });

  test('that has ended within the tolerance gets reauth from a socket, and no refusal', async ({
    databaseUrl,
  }) => {
    const { keys, config } = await startProvider();
    const server = await startGuardedServer(databaseUrl, { config });
    const jwt = await new SignJWT(claims({ exp: Math.floor(Date.now() / 1_000) - 1 }))
      .setProtectedHeader({ alg: 'RS256', kid: 'a' })
      .sign(keys.privateKey);
    const headers = { authorization: `Bearer ${jwt}` };
    const socket = startSocket(server, `?organizations=${OURS}`, { headers });
    expect(await socket.closed).toBe(4401);
    expect(socket.frames()).toMatchObject([{ type: 'hello' }, { type: 'bye', reason: 'reauth' }]);
    expect(await server.database.sql`select action from audit_log where action = 'access.refused'`).toEqual(
      [],
    );
  });

  test('that is forged, foreign or incomplete is a 401', async ({ databaseUrl }) => {
    const { keys, config } = await startProvider();
    const server = await startGuardedServer(databaseUrl, { config });
    const externalWriter = await generateKeyPair('RS256');
    const sign = (change: Record<string, unknown>, header = { alg: 'RS256', kid: 'a' }) =>
      new SignJWT(claims(change)).setProtectedHeader(header).sign(keys.privateKey);
    const publicKey = new TextEncoder().encode(await exportSPKI(keys.publicKey));
    const good = await sign({});
    const [header, body, signature] = good.split('.');
    const forged: Record<string, string> = {
      'alg none': `${encode({ alg: 'none' })}.${body}.`,
      'alg None': `${encode({ alg: 'None' })}.${body}.`,
      'the public key as a secret': await new SignJWT(claims())
        .setProtectedHeader({ alg: 'HS256', kid: 'a' })
        .sign(publicKey),
      'another key': await new SignJWT(claims())
        .setProtectedHeader({ alg: 'RS256', kid: 'a' })
        .sign(externalWriter.privateKey),
      'its own key inside': await new SignJWT(claims())
        .setProtectedHeader({ alg: 'RS256', kid: 'a', jwk: await exportJWK(externalWriter.publicKey) })
        .sign(externalWriter.privateKey),
      'no key id, although there are two keys': await new SignJWT(claims())
        .setProtectedHeader({ alg: 'RS256' })
        .sign(keys.privateKey),
      'an unknown key id': await sign({}, { alg: 'RS256', kid: 'b' }),
      'other claims under the signature': `${header}.${encode(claims({ orgs: '*' }))}.${signature}`,
      'no signature': `${header}.${body}.`,
      expired: await sign({ exp: Math.floor(Date.now() / 1_000) - 60 }),
      'an expiry in milliseconds': await sign({ exp: Date.now() + 300_000 }),
      'an expiry beyond all dates': await sign({ exp: Number.MAX_SAFE_INTEGER }),
      'no expiry': await sign({ exp: undefined }),
      'not yet': await sign({ nbf: Math.floor(Date.now() / 1_000) + 60 }),
      'another audience': await sign({ aud: 'billing' }),
      'another issuer': await sign({ iss: 'https://evil.example' }),
      'no subject': await sign({ sub: undefined }),
      'no organizations': await sign({ orgs: undefined }),
      'organizations that are none': await sign({ orgs: [0, 'x'] }),
      'no scope': await sign({ role: undefined }),
      'a scope that is none': await sign({ role: 'root' }),
      'a scope in a list': await sign({ role: ['read'] }),
      'a number as subject': await sign({ sub: 7 }),
      'a list as subject': await sign({ sub: ['kim'] }),
      'an empty subject': await sign({ sub: '' }),
      'a NUL in the subject': await sign({ sub: 'kim\0' }),
      'true among the organizations': await sign({ orgs: [true] }),
      'a hexadecimal organization': await sign({ orgs: ['0x65'] }),
      'an organization with a blank': await sign({ orgs: [` ${OURS}`] }),
      'an organization with an exponent': await sign({ orgs: ['1e2'] }),
      'a fraction': await sign({ orgs: [1.5] }),
      'a list in the list': await sign({ orgs: [[OURS]] }),
      'null among the organizations': await sign({ orgs: [null] }),
      'an organization beyond the ids': await sign({ orgs: ['2147483648'] }),
      'one number': await sign({ orgs: OURS }),
      'an object': await sign({ orgs: { 0: OURS } }),
      'an expiry in words': await sign({ exp: '2099-01-01' }),
      'a number as audience': await sign({ aud: 5 }),
      'a list as issuer': await sign({ iss: [ISSUER] }),
      'a body that is no object': `${header}.${encode([1])}.${signature}`,
      'a head that is no object': `${encode('x')}.${body}.${signature}`,
      'a number as algorithm': `${encode({ alg: 5, kid: 'a' })}.${body}.${signature}`,
      'a list as key id': `${encode({ alg: 'RS256', kid: ['a'] })}.${body}.${signature}`,
      'an unknown critical header': `${encode({ alg: 'RS256', kid: 'a', crit: ['x'], x: 1 })}.${body}.${signature}`,
      'dots only': '..',
      'no base64': '!.!.!',
    };
    expect((await server.as(good, `/cliniko/sync-logs/${OURS}`)).status).toBe(200);
    for (const [what, jwt] of Object.entries(forged)) {
      expect((await server.as(jwt, `/cliniko/sync-logs/${OURS}`)).status, what).toBe(401);
    }
  });

  test('that cannot be checked now is a 503, and API tokens still work', async ({ databaseUrl }) => {
    const { keys, config } = await startProvider({ status: 500 });
    const server = await startGuardedServer(databaseUrl, { config });
    const jwt = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'RS256', kid: 'a' })
      .sign(keys.privateKey);
    const response = await server.as(jwt, `/cliniko/sync-logs/${OURS}`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toMatchObject({ code: 'IDENTITY_PROVIDER_UNAVAILABLE' });
    const socket = startSocket(server, '', { headers: { authorization: `Bearer ${jwt}` } });
    expect(await socket.closed).toBe(1013);
    expect((await server.as(server.admin, `/cliniko/sync-logs/${OURS}`)).status).toBe(200);
  });

  plainTest('is accepted while its provider is away for hours, if it names a known key', async () => {
    const answer = { status: 200, reads: 0 };
    const { keys, config } = await startProvider(answer);
    const verify = createJwtVerifier(config.jwt);
    const outage = Date.now();
    onTestFinished(() => void vi.useRealTimers());
    const verifyAfter = (hours: number, kid = 'a', key = keys.privateKey) => {
      vi.useFakeTimers({ toFake: ['Date'], now: outage + hours * 3_600_000 });
      return new SignJWT(claims())
        .setProtectedHeader({ alg: 'RS256', kid })
        .sign(key)
        .then(verify)
        .then(
          (principal) => principal?.actor ?? 'refused',
          (error: unknown) => (error instanceof ProblemError ? error.code : error),
        );
    };
    expect(await verifyAfter(0)).toBe('jwt:kim');
    Object.assign(answer, { status: 503, reads: 0 });
    for (const hours of [0.2, 0.205, 1, 11]) {
      expect(await verifyAfter(hours), `after ${hours} h`).toBe('jwt:kim');
      const foreign = await generateKeyPair('RS256');
      expect(await verifyAfter(hours, 'a', foreign.privateKey)).toBe('refused');
      // The provider may have made a new key.
      expect(await verifyAfter(hours, 'b')).toBe('IDENTITY_PROVIDER_UNAVAILABLE');
    }
    // Not asked for each token: the second time is within half a minute after the first one.
    expect(answer.reads).toBe(3);
    // The clock was set back.
    expect(await verifyAfter(9)).toBe('jwt:kim');
    expect(answer.reads).toBe(4);
    expect(await verifyAfter(13)).toBe('IDENTITY_PROVIDER_UNAVAILABLE');
    answer.status = 200;
    expect(await verifyAfter(13.1)).toBe('jwt:kim');
    expect(await verifyAfter(13.2, 'b')).toBe('refused');
  });
});
