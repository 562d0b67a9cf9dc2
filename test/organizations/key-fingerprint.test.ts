import { describe, expect } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { rotateKeys } from '../../src/encryption/rotate-keys.ts';
import { createSealer } from '../../src/encryption/sealer.ts';
import { SEALED } from '../../src/server/sealed-columns.ts';
import { test } from '../support/database.ts';
import { putJson, startTestServer } from '../support/server.ts';

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

  test('ends the start also when a server that still had it sealed after the rotation, until it is rotated again', async ({
    databaseUrl,
  }) => {
    const old = await startTestServer(databaseUrl);
    const both = { credentialsKey: OTHER, previousCredentialsKey: Buffer.alloc(32, 7) };
    await (await startTestServer(databaseUrl, { organizations: [], config: both })).stop();
    await putJson(old.api, '/organizations/123/cliniko-credentials', { api_key: old.cliniko.apiKey });
    await old.stop();

    const onlyNew = { organizations: [], config: { credentialsKey: OTHER } };
    await expect(startTestServer(databaseUrl, onlyNew)).rejects.toThrow('is not the key that sealed');
    const database = openDatabase(databaseUrl, { max: 1 });
    const sealer = createSealer(OTHER, both.previousCredentialsKey);
    for (const sealed of SEALED) await rotateKeys(database, sealer, sealed);
    await database.close();
    await (await startTestServer(databaseUrl, onlyNew)).stop();
  });

  test('is accepted while nothing is sealed', async ({ databaseUrl }) => {
    const first = await startTestServer(databaseUrl, { organizations: [] });
    await first.stop();
    await (
      await startTestServer(databaseUrl, { organizations: [], config: { credentialsKey: OTHER } })
    ).stop();
  });
});
