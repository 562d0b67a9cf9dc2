/** The clock of the server is set back by an hour: nothing that was limited in time lives for an hour more. */
import { decodeJwt, SignJWT } from 'jose';
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { createRefusals } from '../../src/access/refusals.ts';
import { streamSigningKey } from '../../src/access/stream-tokens.ts';
import { test } from '../support/database.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';
import { openStream } from '../support/stream.ts';
import { OURS, startGuardedServer } from './support/guarded-server.ts';

const HOUR_MS = 3_600_000;

function setBackClock(): void {
  const { now } = Date;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - HOUR_MS);
  onTestFinished(() => clock.mockRestore());
}

describe('a clock that is set back', () => {
  test('does not keep a revoked token valid, nor a stream open', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { config: { streamTokenSeconds: 8 } });
    const { id, token } = await server.newToken();
    const answer = await server.as(server.admin, '/stream-tokens', { method: 'POST', body: '{}' });
    const { token: forStreams } = (await answer.json()) as { token: string };
    const stream = await openStream(server.streamUrl(OURS, `?token=${forStreams}`));
    await stream.until((sent) => sent.length === 2);
    expect((await server.as(token, `/cliniko/sync-logs/${OURS}`)).status).toBe(200);

    setBackClock();
    await server.revoke(id);
    const status = async () => (await server.as(token, `/cliniko/sync-logs/${OURS}`)).status;
    await expect.poll(status, { timeout: 60_000 }).toBe(401);
    await stream.ended;
    expect(stream.events.at(-1)?.data).toContain('"reauth"');
  });

  test('ends the stream tokens that were issued before', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const answer = await server.as(server.admin, '/stream-tokens', { method: 'POST', body: '{}' });
    const { token } = (await answer.json()) as { token: string };
    const claims = decodeJwt(token);
    const issued = (seconds: number | undefined) =>
      new SignJWT({ ...claims, iat: seconds })
        .setProtectedHeader({ alg: 'HS256', typ: 'patient-sync-stream+jwt' })
        .sign(streamSigningKey(CREDENTIALS_KEY));
    const statusOf = async (one: string) => {
      const { response, close } = await openStream(server.streamUrl(OURS, `?token=${one}`));
      close();
      return response.status;
    };
    const { iat = 0 } = claims;
    expect(await statusOf(await issued(iat + 3_600))).toBe(401);
    expect(await statusOf(await issued(iat + 5))).toBe(200);
    // Issued by a server of an older version.
    expect(await statusOf(await issued(undefined))).toBe(200);
  });

  plainTest('does not silence the log of refusals', async () => {
    const lines = vi.fn();
    const { record } = createRefusals({ sql: undefined as never }, { warn: lines } as never, () => {});
    const refuse = (count: number) =>
      Promise.all(
        Array.from({ length: count }, () =>
          record({
            status: 401,
            code: 'UNAUTHENTICATED',
            route: 'GET /',
            actor: undefined,
            organizationId: undefined,
            address: '192.0.2.1',
            requestId: undefined,
          }),
        ),
      );
    await refuse(200);
    expect(lines).toHaveBeenCalledTimes(120);
    setBackClock();
    const { now } = performance;
    const uptime = vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 61_000);
    onTestFinished(() => uptime.mockRestore());
    await refuse(1);
    expect(lines).toHaveBeenCalledTimes(121);
    // The next line says how many are missing before it, and no other one does.
    expect(lines.mock.lastCall).toEqual([expect.objectContaining({ not_logged: 80 }), 'Refused GET /']);
    await refuse(1);
    expect(lines.mock.lastCall?.[0]).not.toHaveProperty('not_logged');
  });
});
