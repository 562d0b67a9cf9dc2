import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';

const OTHER = Buffer.alloc(32, 9);

describe('a CREDENTIALS_KEY that did not seal the data of this database', () => {
  test('ends the start with one line; with the old key beside it the data is sealed again', async ({
    databaseUrl,
  }) => {
    const first = await startTestServer(databaseUrl);
    await first.stop();
    const start = (config: object) => startTestServer(databaseUrl, { organizations: [], config });

    const refusal = await start({ credentialsKey: OTHER }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'DatabaseStartError' });
    expect(String(refusal)).toMatch(
      /CREDENTIALS_KEY .* is not the key that sealed .*CREDENTIALS_KEY_PREVIOUS/,
    );

    const rotated = await start({ credentialsKey: OTHER, previousCredentialsKey: Buffer.alloc(32, 7) });
    await rotated.stop();
    await (await start({ credentialsKey: OTHER })).stop();
    await expect(start({})).rejects.toThrow('is not the key that sealed');
  });

  test('is accepted while nothing is sealed', async ({ databaseUrl }) => {
    const first = await startTestServer(databaseUrl, { organizations: [] });
    await first.stop();
    await (
      await startTestServer(databaseUrl, { organizations: [], config: { credentialsKey: OTHER } })
    ).stop();
  });
});
