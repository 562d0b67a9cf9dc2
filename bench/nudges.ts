/** How many nudges reach servers in a second, over NOTIFY and over NATS, with more and more servers that listen. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectNats } from '@nats-io/transport-node';
import type { Sql } from 'postgres';
import { connect } from '../src/database/driver.ts';
import { openEmbeddedDatabase } from '../src/embedded-postgres/open.ts';
import { freePort } from '../src/embedded-postgres/postmaster.ts';
import { CHANNEL } from '../src/events/notify-payload.ts';
import { NATS_SERVER } from './fan-out/nats.ts';
import { connectTo, makeFolder, startProgram } from './fan-out/program.ts';
import { ORGANIZATIONS, subjectOf } from './nudge-subjects.ts';
import { answerOf, ask, end, start } from './processes.ts';
import { progress } from './rounds.ts';
import type { Row } from './table.ts';

const LISTENERS = [1, 10, 50, 100];
const SENDERS = 4;
const NATS_BATCH = 100;
const RECEIVE_LIMIT_MS = 30_000;

/** Sends for some time. @returns how many nudges it sent */
type Send = (forMs: number) => Promise<number>;

export async function benchNudges({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  if (NATS_SERVER === undefined) return [{ name: 'nudges over NATS', missing: 'no nats-server' }];
  const forMs = isQuick ? 500 : 2_000;
  const dataDir = await makeFolder();
  const embedded = await openEmbeddedDatabase({ dataDir, settings: { max_connections: '150' } });
  const sql = connect(embedded.url, { max: SENDERS });
  const [folder, port] = [await makeFolder(), await freePort()];
  const program = await startProgram(
    NATS_SERVER,
    ['-a', '127.0.0.1', '-p', String(port), '-l', join(folder, 'log')],
    folder,
  );
  (await connectTo(port)).destroy();
  const natsUrl = `nats://127.0.0.1:${port}`;
  const nats = await connectNats({ servers: natsUrl });
  try {
    const rows: Row[] = [];
    for (const listeners of LISTENERS) {
      progress(`nudges to ${listeners} listeners …`);
      const notify = await rate(
        ['notify', embedded.url, String(listeners)],
        (ms) => notifyFor(sql, ms),
        forMs,
      );
      const overNats = await rate(
        ['nats', natsUrl, String(listeners)],
        (ms) =>
          sendFor(ms, async (n) => {
            for (let sent = 0; sent < NATS_BATCH; sent++) nats.publish(subjectOf((n + sent) % ORGANIZATIONS));
            await nats.flush();
            return NATS_BATCH;
          }),
        forMs,
      );
      rows.push(
        { name: `NOTIFY, ${listeners} listening servers`, value: notify, unit: 'nudges/s' },
        {
          name: `NATS, ${listeners} listening servers`,
          value: overNats,
          unit: 'nudges/s',
          ratio: overNats / notify,
          of: 'NOTIFY',
        },
      );
    }
    return rows;
  } finally {
    await nats.close();
    await program.stop();
    await sql.end({ timeout: 1 });
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function sendFor(forMs: number, send: (n: number) => Promise<number>): Promise<number> {
  const until = performance.now() + forMs;
  let sent = 0;
  while (performance.now() < until) sent += await send(sent);
  return sent;
}

/** Each in a transaction of its own, which does not wait for the disk, as the server sends them. */
async function notifyFor(sql: Sql, forMs: number): Promise<number> {
  const send = async (n: number): Promise<number> => {
    await sql`select set_config('synchronous_commit', 'off', true), pg_notify(${CHANNEL}, ${`e:${(n % ORGANIZATIONS) + 1}@bench`})`;
    return 1;
  };
  const counts = await Promise.all(Array.from({ length: SENDERS }, () => sendFor(forMs, send)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Nudges a second, until the last one was received by the listener that receives all. */
async function rate(listeners: string[], send: Send, forMs: number): Promise<number> {
  const child = start('nudge-listeners', ...listeners);
  try {
    await answerOf(child);
    await send(forMs / 4);
    const { received: before } = await settled(child);
    const begin = performance.now();
    const sent = await send(forMs);
    for (;;) {
      const { received } = await ask<{ received: number }>(child, {});
      if (received - before >= sent) return sent / ((performance.now() - begin) / 1_000);
      if (performance.now() - begin > RECEIVE_LIMIT_MS)
        throw new Error(`${received - before} of ${sent} nudges were received.`);
    }
  } finally {
    await end(child);
  }
}

/** Waits until no more nudges arrive. */
async function settled(child: ReturnType<typeof start>): Promise<{ received: number }> {
  for (let last = -1; ; ) {
    const { received } = await ask<{ received: number }>(child, {});
    if (received === last) return { received };
    last = received;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
