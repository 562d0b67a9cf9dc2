import { describe, expect } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { rotateKeys } from '../../src/encryption/rotate-keys.ts';
import { createSealer } from '../../src/encryption/sealer.ts';
import { SEALED } from '../../src/server/sealed-columns.ts';
import { readGuide } from '../docs/support/guides.ts';
import { connectInTest, test } from '../support/database.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

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

  test('starts after the statements of the guide about a lost key, and syncs with the keys that are stored again', async ({
    databaseUrl,
  }) => {
    const first = await startTestServer(databaseUrl, { patients: 200 });
    await putJson(first.api, '/organizations/123', { validation: { phone: 'reject', email: 'require' } });
    const endpoint = { url: 'https://hooks.example.com/', organizations: [123], events: ['sync.completed'] };
    const registered = await first.api('/webhooks', { method: 'POST', body: JSON.stringify(endpoint) });
    expect(registered.status).toBe(201);
    const before = await wholeSync(first);
    expect(before.records_failed).toBeGreaterThan(0);
    await first.stop();
    const sql = connectInTest(databaseUrl);
    for (const { table } of SEALED) expect(await sql`select from ${sql(table)}`).not.toHaveLength(0);

    const guide = await readGuide('guides/operations.md');
    const [, statements = ''] = /^## A lost key\n[\s\S]*?^```sql\n([\s\S]*?)^```$/m.exec(guide) ?? [];
    await sql.unsafe(statements);
    const config = { credentialsKey: OTHER };
    const server = await startTestServer(databaseUrl, { organizations: [], patients: 200, config });
    await putJson(server.api, '/organizations/123/cliniko-credentials', {
      api_key: server.cliniko.apiKey,
    });
    expect(await wholeSync(server)).toMatchObject({
      records_success: before.records_success,
      records_failed: before.records_failed,
      metadata: { unchanged: before.records_success, proof: { proven: true } },
    });
  });

  test('is accepted while nothing is sealed', async ({ databaseUrl }) => {
    const first = await startTestServer(databaseUrl, { organizations: [] });
    await first.stop();
    await (
      await startTestServer(databaseUrl, { organizations: [], config: { credentialsKey: OTHER } })
    ).stop();
  });
});
