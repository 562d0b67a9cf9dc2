/**
 * A database restored from a backup: the same `seq` then means another event, and no client may resume from its cursor.
 *
 * The backup is real: a copy of the files of the stopped cluster. It has the same system identifier, the same timeline and
 * the same tables.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { Bye } from '#contract/stream-event.ts';
import { migrate } from '../../src/database/migrate.ts';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/embedded-postgres/open.ts';
import { test } from '../support/database.ts';
import { newDataDir } from '../support/embedded.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { helloOf, openStream } from '../support/stream.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

const address = (server: TestServer) => `${server.url}/api/v1/cliniko/sync-logs/55/events`;

async function start(dataDir: string): Promise<EmbeddedDatabase> {
  const database = await openEmbeddedDatabase({ dataDir, settings: { fsync: 'off' } });
  onTestFinished(() => database.stop());
  return database;
}

/** Keeps the owner and the times, as a backup program does. */
const copy = (from: string, to: string) => promisify(execFile)('cp', ['-a', from, to]);

async function writeRun(url: string, steps: number): Promise<void> {
  const externalWriter = openExternalWriter(url);
  await externalWriter.begin();
  for (let n = 0; n < steps; n++) await externalWriter.step();
  await externalWriter.end();
}

/** A stopped database with five events, and a copy of it. */
async function backedUpDatabase() {
  const [dataDir, backup] = [await newDataDir(), await newDataDir()];
  const database = await start(dataDir);
  await migrate(database.url);
  await writeRun(database.url, 3);
  await database.stop();
  const madeAt = Math.floor(Date.now() / 1_000);
  await copy(join(dataDir, 'postgres'), join(backup, 'postgres'));
  return {
    start: () => start(dataDir),
    async restore(): Promise<void> {
      // PostgreSQL reads file times in whole seconds, so the restore must not happen in the second of the backup.
      await vi.waitFor(() => expect(Math.floor(Date.now() / 1_000)).toBeGreaterThan(madeAt), 5_000);
      await rm(join(dataDir, 'postgres'), { recursive: true });
      await copy(join(backup, 'postgres'), join(dataDir, 'postgres'));
    },
  };
}

describe('a restored backup', () => {
  test('has another epoch for reconnecting clients, also if it has more events than they saw', async () => {
    const backedUp = await backedUpDatabase();
    const old = await backedUp.start();
    const before = await startTestServer(old.url, { organizations: [] });
    const stream = await openStream(address(before));
    const [hello] = await stream.until((sent) => sent.length === 2);
    await writeRun(old.url, 3);
    const seen = [...(await stream.until((sent) => sent.at(-1)?.event === 'completed'))];
    await before.stop();
    await old.stop();

    await backedUp.restore();
    const restored = await backedUp.start();
    await writeRun(restored.url, 8);
    const after = await startTestServer(restored.url, { organizations: [] });
    const back = await openStream(address(after), { 'last-event-id': seen.at(-1)?.id ?? '' });
    const sent = await back.until((all) => all.length === 2);
    expect(helloOf(sent)).toMatchObject({ recovered: false, reason: 'epoch' });
    expect(sent[1]).toMatchObject({ event: 'snapshot', id: helloOf(sent).head });
    expect(helloOf(sent).head).not.toBe(JSON.parse(hello?.data ?? '').head);
  });

  test('is detected by a running server: its streams end with bye, and restart', async () => {
    const backedUp = await backedUpDatabase();
    const old = await backedUp.start();
    const network = await openTcpProxy(old.url);
    const server = await startTestServer(network.url, { organizations: [] });
    const stream = await openStream(address(server));
    const socket = await openSocket(server, '?organizations=*');
    await stream.until((sent) => sent.length === 2);
    await writeRun(old.url, 3);
    const seen = [...(await stream.until((sent) => sent.at(-1)?.event === 'completed'))];
    network.refuse(true);
    await old.stop();
    await backedUp.restore();
    const restored = await backedUp.start();
    await writeRun(restored.url, 8);
    network.pointTo(restored.url);
    network.refuse(false);

    await stream.ended;
    expect(await socket.closed).toBe(1012);
    expect(Bye.parse(JSON.parse(stream.events.at(-1)?.data ?? '')).reason).toBe('restart');
    // No event of the new history has a cursor of the old one.
    expect(stream.events.slice(0, -1)).toEqual(seen.slice(0, stream.events.length - 1));
    const back = await openStream(address(server), { 'last-event-id': seen.at(-1)?.id ?? '' });
    expect(helloOf(await back.until((all) => all.length === 2))).toMatchObject({ reason: 'epoch' });
  });

  test('that is visible only by missing events also gets another epoch, for all servers', async ({
    databaseUrl,
  }) => {
    const servers = [
      await startTestServer(databaseUrl, { organizations: [] }),
      await startTestServer(databaseUrl, { organizations: [] }),
    ];
    const streams = await Promise.all(servers.map((server) => openStream(address(server))));
    const { sql, begin, step } = openExternalWriter(databaseUrl);
    await begin();
    for (let n = 0; n < 5; n++) await step();
    for (const stream of streams) await stream.until((sent) => sent.length === 8);
    // The same state as after a restored disk snapshot.
    await sql`update sync_streams set head = 2`;
    await sql`delete from sync_events where seq > 2`;
    await Promise.all(streams.map((stream) => stream.ended));

    const backs = await Promise.all(
      servers.map((server) =>
        openStream(address(server), { 'last-event-id': streams[0]?.events.at(-2)?.id ?? '' }),
      ),
    );
    const hellos = await Promise.all(backs.map((back) => back.until((sent) => sent.length === 2)));
    for (const sent of hellos) expect(helloOf(sent)).toMatchObject({ recovered: false, reason: 'epoch' });
    expect(new Set(hellos.map((sent) => helloOf(sent).head)).size).toBe(1);
    await vi.waitFor(() => expect(servers[0]?.logged()).toContain('another event history'));
  });
});

describe('a database that is stopped and started', () => {
  test('keeps its history', async () => {
    const backedUp = await backedUpDatabase();
    const epochs = [];
    for (let n = 0; n < 2; n++) {
      const database = await backedUp.start();
      const server = await startTestServer(database.url, { organizations: [] });
      const stream = await openStream(address(server));
      epochs.push(helloOf(await stream.until((sent) => sent.length === 2)).head);
      await server.stop();
      await database.stop();
    }
    expect(epochs[1]).toBe(epochs[0]);
  });
});
