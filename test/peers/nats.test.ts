/** Nudges over NATS, with nats-server of Debian. The self-tests of the listeners are frequent, so a bus soon sends over NATS alone. */
import { connect } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { checkNats } from '../../src/cli/doctor/nats-check.ts';
import { parseNatsAddress } from '../../src/events/nats-address.ts';
import { type NatsBus, type NatsBusOptions, openNatsBus } from '../../src/events/nats-bus.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { openPostgresLog } from '../../src/events/postgres-event-log.ts';
import { suppressTriggerNotify } from '../../src/events/suppress-trigger-notify.ts';
import { Hub } from '../../src/live/hub.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { events, record, testEventBus } from '../events/support/event-bus-suite.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { startNats, startNatsCluster } from './support/nats.ts';

const SELF_TEST = { everyMs: 200, limitMs: 2_000 };

function addressOf(url: string) {
  const address = parseNatsAddress(url);
  if (address === undefined) throw new Error('Not an address of NATS servers.');
  return address;
}

async function openBus(
  databaseUrl: string,
  natsUrl: string,
  more: Partial<NatsBusOptions> = {},
): Promise<NatsBus> {
  const address = addressOf(natsUrl);
  const bus = await openNatsBus(databaseUrl, { address, scope: 'test', selfTest: SELF_TEST, ...more });
  onTestFinished(() => bus.close());
  return bus;
}

async function openPair(databaseUrl: string, natsUrl: string, otherNatsUrl = natsUrl) {
  const pair = {
    publisher: await openBus(databaseUrl, natsUrl),
    listener: await openBus(databaseUrl, otherNatsUrl),
  };
  await usesNatsAlone(pair.publisher);
  return pair;
}

/** Settings of a server where the user of a bus has these permissions, and a witness all of them. */
const permit = (permissions: string) =>
  `authorization { users: [{ user: us, password: s3cret, permissions: { ${permissions} } }, { user: witness, password: s3cret }] }\n`;

/** A connection that was refused a right is replaced after some seconds. */
const PATIENCE = { timeout: 20_000 };

const usesNatsAlone = (bus: NatsBus) =>
  vi.waitFor(
    () => expect({ nats: bus.nats, too: bus.notifiesToo }).toEqual({ nats: 'connected', too: false }),
    PATIENCE,
  );

testEventBus('the NATS bus', async (databaseUrl) => openPair(databaseUrl, (await startNats()).url));

describe('the NATS bus', () => {
  test('receives only the organizations that it follows, and rows of other programs over NOTIFY', async ({
    databaseUrl,
  }) => {
    const { publisher, listener } = await openPair(databaseUrl, (await startNats()).url);
    const { received, organizations } = record(listener);
    listener.follow(2);
    await vi.waitFor(() => {
      publisher.publish(events(1, 2));
      // The nudge of this process itself, after the subscription, does not count.
      expect(received.filter((nudge) => nudge.organizations.includes(2)).length).toBeGreaterThan(1);
    });
    expect(organizations()).toEqual(new Set([2]));

    // Organization 2 has a second follower, so only the second call ends it.
    listener.follow(2);
    listener.unfollow(2);
    listener.unfollow(2);
    listener.follow(3);
    received.length = 0;
    await vi.waitFor(() => {
      publisher.publish(events(2, 3));
      expect(received.filter((nudge) => nudge.organizations.includes(3)).length).toBeGreaterThan(1);
    });
    expect(organizations()).toEqual(new Set([3]));

    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at) values (9, 'full_patients', 'running', now())`;
    await vi.waitFor(() => expect(organizations()).toContain(9));
  });

  test('uses NOTIFY while NATS is away, and NATS once it is back', async ({ databaseUrl }) => {
    const nats = await startNats();
    const { publisher, listener } = await openPair(databaseUrl, nats.url);
    listener.followAll();
    const { organizations } = record(listener);
    await nats.kill();
    await vi.waitFor(() => expect([publisher.nats, listener.nats]).toEqual(['away', 'away']));
    publisher.publish(events(1));
    await vi.waitFor(() => expect(organizations()).toContain(1));

    await nats.restart();
    await usesNatsAlone(publisher);
    await vi.waitFor(() => {
      publisher.publish(events(2));
      expect(organizations()).toContain(2);
    });
  });

  test('starts while NATS is away, and uses it once it is there', async ({ databaseUrl }) => {
    const nats = await startNats();
    await nats.kill();
    const bus = await openBus(databaseUrl, nats.url);
    expect(bus).toMatchObject({ nats: 'away', notifiesToo: true });
    await nats.restart();
    await usesNatsAlone(bus);
  });

  test('sends over NOTIFY too while another server has no NATS', async ({ databaseUrl }) => {
    const nats = await startNats();
    const network = await openTcpProxy(nats.url);
    const { publisher, listener } = await openPair(databaseUrl, nats.url, network.url);
    const { organizations } = record(listener);
    network.refuse(true);
    await vi.waitFor(() => expect(publisher.notifiesToo).toBe(true));
    publisher.publish(events(1));
    await vi.waitFor(() => expect(organizations()).toContain(1));
    network.refuse(false);
    await usesNatsAlone(publisher);

    const old = await openPostgresBus(databaseUrl, { selfTest: SELF_TEST });
    onTestFinished(() => old.close());
    await vi.waitFor(() => expect(publisher.notifiesToo).toBe(true));
  });

  test.for([
    ['subscribe to organizations', `subscribe: { allow: ["patient_sync.>"], deny: ["*.*.organization.*"] }`],
    [
      'publish about one organization',
      `publish: { allow: ["patient_sync.>"], deny: ["*.*.organization.1"] }`,
    ],
  ])('that may not %s uses NOTIFY until it may', { timeout: 45_000 }, async ([, denied], { databaseUrl }) => {
    const nats = await startNats(permit(`publish: ">", subscribe: ">"`));
    const { publisher, listener } = await openPair(databaseUrl, nats.url.replace('//', '//us:s3cret@'));
    listener.followAll();
    const { received, organizations } = record(listener);
    await nats.authorize(permit(denied ?? ''));
    await vi.waitFor(() => {
      publisher.publish(events(1));
      expect([publisher.nats, listener.nats]).toContain('away');
    }, PATIENCE);
    publisher.publish(events(2));
    await vi.waitFor(() => expect(organizations()).toContain(2));

    await nats.authorize(permit(`publish: ">", subscribe: ">"`));
    for (const bus of [publisher, listener]) await usesNatsAlone(bus);
    received.length = 0;
    await vi.waitFor(() => {
      publisher.publish(events(1));
      expect(organizations()).toContain(1);
    });
  });

  test('that may publish about one organization at one server and about another at the next uses NOTIFY', {
    timeout: 45_000,
  }, async ({ databaseUrl }) => {
    const server = (denied: string) => permit(`publish: { allow: ["patient_sync.>"], deny: [${denied}] }`);
    const [one, two] = [server('"*.*.organization.1"'), server('"*.*.organization.2"')];
    const nats = await startNats(one);
    const states: string[] = [];
    const onNats = (lost: string | undefined) => void states.push(lost ?? 'connected');
    const publisher = await openBus(databaseUrl, nats.url.replace('//', '//us:s3cret@'), { onNats });
    const seen: string[] = [];
    const witness = await connect({ servers: nats.url, user: 'witness', pass: 's3cret' });
    onTestFinished(() => witness.close());
    const callback = () => void seen.push('organization 2');
    witness.subscribe('patient_sync.test.organization.2', { callback });
    const publishUntil = (nats: string) =>
      vi.waitFor(() => {
        publisher.publish(events(1, 2));
        expect(publisher.nats).toBe(nats);
      }, PATIENCE);
    await publishUntil('away');
    await nats.authorize(two);
    await publishUntil('connected');
    await publishUntil('away');

    // The next attempt is refused too: organization 2 is permitted again, and 1 is not.
    await nats.authorize(one);
    seen.length = 0;
    await vi.waitFor(() => expect(seen).not.toEqual([]), PATIENCE);
    publisher.publish(events(1));
    await nats.authorize(server(''));
    await publishUntil('connected');
    const refused = 'a subject is not permitted';
    expect(states).toEqual(['connected', refused, 'connected', refused, 'connected']);
  });

  test('of another database receives nothing', async ({ databaseUrl }) => {
    const nats = await startNats();
    const { publisher, listener } = await openPair(databaseUrl, nats.url);
    const other = await openBus(databaseUrl, nats.url, { scope: 'other' });
    await usesNatsAlone(publisher);
    const [ours, theirs] = [record(listener), record(other)];
    listener.followAll();
    other.followAll();
    await vi.waitFor(() => {
      publisher.publish(events(1));
      expect(ours.organizations()).toContain(1);
    });
    expect(theirs.received).toEqual([]);
  });
});

describe('a cluster of three nodes', () => {
  test('loses a node in mid-run: every server delivers every event once, in order', async ({
    databaseUrl,
  }) => {
    const nodes = await startNatsCluster();
    const buses: NatsBus[] = [];
    // Each server is connected to another node, and knows all.
    for (const { url } of nodes) buses.push(await openBus(databaseUrl, url));
    for (const bus of buses) await usesNatsAlone(bus);
    const seen = await Promise.all(buses.map((bus) => watch(databaseUrl, bus)));
    const step = openWriter(databaseUrl);
    const write = async (from: number, to: number): Promise<void> => {
      for (let n = from; n <= to; n++) await step(n).then(() => buses[0]?.publish(events(5)));
    };
    await write(1, 20);
    await nodes[1]?.kill();
    await write(21, 40);
    await nodes[1]?.restart();
    await write(41, 60);
    const all = Array.from({ length: 60 }, (_, n) => n + 1);
    for (const seqs of seen) await vi.waitFor(() => expect(seqs).toEqual(all));
    for (const bus of buses) await usesNatsAlone(bus);
  });
});

/** Writes like a server of ours: without a NOTIFY of the trigger. */
function openWriter(databaseUrl: string) {
  const sql = connectInTest(databaseUrl);
  return (records: number): Promise<unknown> =>
    sql.begin(async (tx) => {
      await suppressTriggerNotify(tx);
      await tx`insert into sync_logs (organization_id, operation_type, status, started_at)
        select 5, 'full_patients', 'running', now() where ${records} = 1`;
      await tx`update sync_logs set records_processed = ${records} where organization_id = 5 and ${records} > 1`;
    });
}

/** @returns the numbers of the events that one server delivers, as they come */
async function watch(databaseUrl: string, bus: NatsBus): Promise<number[]> {
  const log = openPostgresLog(databaseUrl, { throughPooler: false, max: 2 });
  const hub = new Hub(log, bus, createLogger({ level: 'fatal', format: 'json', colour: false }));
  onTestFinished(() => hub.close());
  const seqs: number[] = [];
  const [subscriber] = await hub.subscribe(
    new Map([[5, { since: undefined, folded: false, authorization: { canRead: () => true } }]]),
  );
  const take = (): void => {
    const frames = subscriber?.take() ?? [];
    // A snapshot is no event of the log.
    seqs.push(...frames.filter(({ sse }) => !sse.includes('event: snapshot')).map(({ seq }) => seq));
  };
  subscriber?.attach({ markDirty: take });
  take();
  return seqs;
}

describe('a server with NATS_URL', () => {
  test('syncs, says in /readyz which path nudges take, and logs no credentials', async ({ databaseUrl }) => {
    const nats = await startNats('authorization { user: us, password: s3cret }\n');
    const address = addressOf(nats.url.replace('//', '//us:s3cret@'));
    const one = await startTestServer(databaseUrl, { config: { nats: address }, patients: 150 });
    const other = await startTestServer(databaseUrl, {
      config: { nats: address },
      cliniko: one.cliniko,
      organizations: [],
    });
    const stream = await openStream(`${other.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    await one.api('/cliniko/sync-all/123', { method: 'POST' });
    const seqs = (await stream.until(hasEnded)).slice(2).map(({ id }) => Number(id?.split('.')[1]));
    expect(seqs).toEqual(seqs.map((_, n) => n + 1));

    const path = async () => (await (await fetch(`${one.url}/readyz`)).json()) as object;
    expect(await path()).toMatchObject({ status: 'ready', checks: { nats: 'connected' } });
    await nats.kill();
    await vi.waitFor(async () =>
      expect(await path()).toMatchObject({ status: 'ready', checks: { nats: 'away' } }),
    );
    await nats.restart();
    await vi.waitFor(async () => expect(await path()).toMatchObject({ checks: { nats: 'connected' } }));
    expect(one.logged()).toMatch(/NATS does not carry nudges .*NATS carries the nudges/s);
    expect(one.logged()).not.toContain('s3cret');
  });

  test('whose credentials NATS rejects does not start, and says so in one line', async ({ databaseUrl }) => {
    const nats = await startNats('authorization { user: us, password: s3cret }\n');
    const address = addressOf(nats.url.replace('//', '//us:wr0ng@'));
    const start = startTestServer(databaseUrl, { config: { nats: address } });
    await expect(start).rejects.toThrow(/^NATS rejected the credentials.* into NATS_URL\.$/);
    expect(await checkNats(address)).toMatchObject({ state: 'error' });
  });
});

describe('the doctor', () => {
  test('sends a nudge over NATS, and warns when it does not arrive', async () => {
    const nats = await startNats();
    expect(await checkNats(addressOf(nats.url))).toMatchObject({ check: 'nats', state: 'ok' });
    await nats.kill();
    const { state, detail } = await checkNats(addressOf(nats.url));
    expect({ state, detail }).toMatchObject({ state: 'warning' });
    expect(detail).toContain('ECONNREFUSED');
  });
});
