/** Whole servers that share a NATS cluster: one node and one server are killed in the middle of a run. */
import { once } from 'node:events';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { connectInTest, test } from '../support/database.ts';
import { type ReconnectingClient, watchBySocket, watchBySse } from '../support/reconnecting-client.ts';
import { logTextOf } from '../support/sent-event.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { readTimeline } from '../support/timeline.ts';
import { startNatsCluster } from './support/nats.ts';

const ORGANIZATION = 123;
const PATIENTS = 1_200;

const expectNats = (server: ServerProcess, nats: 'connected' | 'away') =>
  vi.waitFor(
    async () =>
      expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({ checks: { nats } }),
    { timeout: 20_000, interval: 100 },
  );

/** Each client begins at another server, and continues at the next one when it is disconnected. */
function openClients(addresses: readonly string[]): ReconnectingClient[] {
  return addresses.flatMap((_, n) => {
    const order = [...addresses.slice(n), ...addresses.slice(0, n)];
    return [
      watchBySse(`SSE ${n}`, order, ORGANIZATION),
      watchBySocket(`socket ${n} by name`, order, [ORGANIZATION]),
      watchBySocket(`socket ${n} of everything`, order, '*'),
    ];
  });
}

/** Every state after the client's first one, once and in order, with the text of the log. */
function expectComplete({ name, shown, lost }: ReconnectingClient, envelopes: readonly string[]): void {
  expect(lost, name).toEqual([]);
  const states = shown.get(ORGANIZATION) ?? [];
  const first = states[0]?.seq ?? 0;
  expect(
    states.map(({ seq }) => seq),
    name,
  ).toEqual(Array.from({ length: envelopes.length - first + 1 }, (_, n) => first + n));
  for (const { seq, kind, text } of states) {
    const envelope = envelopes[seq - 1] ?? '';
    if (kind === 'event') expect(text, name).toBe(envelope);
    else expect(logTextOf(text), name).toBe(logTextOf(envelope));
  }
}

describe('three servers on a cluster of three NATS nodes', () => {
  test('lose a node and the server of a run: no client has a gap', { timeout: 120_000 }, async ({
    databaseUrl,
  }) => {
    const nodes = await startNatsCluster();
    const cliniko = await startClinikoSimulator({ patients: PATIENTS, latencyMs: 20, requestsPerMinute: 0 });
    onTestFinished(() => cliniko.close());
    // Each server is connected to another node first, and learns the others from the cluster.
    const start = (node: number) =>
      startServerProcess({ cliniko, databaseUrl, environment: { NATS_URL: nodes[node]?.url ?? '' } });
    const owner = await start(0);
    cliniko.faults.onPage(7, { kind: 'hang' });
    await owner.start();
    await owner.until(({ records_processed }) => records_processed === 600);

    const [second, third] = [await start(1), await start(2)];
    for (const server of [owner, second, third]) await expectNats(server, 'connected');
    const clients = openClients([owner.url, second.url, third.url]);
    await vi.waitFor(() => expect(clients.every(({ shown }) => shown.has(ORGANIZATION))).toBe(true));
    const isGone = once(owner.child, 'exit');
    owner.child.kill('SIGKILL');
    await Promise.all([isGone, nodes[1]?.kill()]);
    cliniko.faults.clear();
    const taken = await second.until(({ status }) => status !== 'running', { timeout: 60_000 });
    expect(taken).toMatchObject({
      status: 'completed',
      records_processed: PATIENTS,
      metadata: { attempt: 2 },
    });

    // The second server has moved to another node, and the runs after it are announced as before.
    await expectNats(second, 'connected');
    await nodes[1]?.restart();
    await second.start();
    const next = await third.until(({ id, status }) => id !== taken.id && status !== 'running');
    expect(next).toMatchObject({ status: 'completed', metadata: { unchanged: PATIENTS } });

    const sql = connectInTest(databaseUrl);
    const [one, two] = await Promise.all(
      [taken.id, next.id].map((id) => readTimeline(sql, ORGANIZATION, id)),
    );
    const envelopes = [...(one?.events ?? []), ...(two?.events ?? [])];
    for (const client of clients) {
      await vi.waitFor(() => expect(client.shown.get(ORGANIZATION)?.at(-1)?.seq).toBe(envelopes.length));
      expectComplete(client, envelopes);
    }
  });
});
