/**
 * The receiver of the webhooks of all clinics. It refuses some messages or hangs up, before it has read them or after, and takes each at
 * its second attempt: the pause before a third one is longer than a short soak.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { type Choice, SeededRandom } from '../src/cliniko-simulator/seeded-random.ts';
import type { Findings } from './findings.ts';
import type { SoakPostgres } from './postgres.ts';
import { WebhookOracle } from './webhook-oracle.ts';

const SIGNED = 'each webhook is signed';
const ASPECT = 85;
const SLOW_MS = 2_000;
const EVENTS = ['sync.completed', 'sync.failed', 'sync.held', 'patients.changed'];
const Registered = z.object({ secret: z.string() });

/** Of first attempts. */
const FAILING_SHARE = 0.1;
const FAILURES: Choice<'refused' | 'cut' | 'cut when read' | 'slow'> = [
  'refused',
  'cut',
  'cut when read',
  'slow',
];

export interface WebhookReceiver {
  oracle: WebhookOracle;
  /** Registers it for all clinics. */
  register(serverUrl: string): Promise<void>;
  close(): void;
}

export async function openWebhookReceiver(findings: Findings, seed: number): Promise<WebhookReceiver> {
  const oracle = new WebhookOracle(findings);
  const attempted = new Set<string>();
  let signatures: Webhook | undefined;
  const server = createServer(async (request, response) => {
    const id = String(request.headers['webhook-id']);
    const isFirst = !attempted.has(id);
    attempted.add(id);
    const failure = isFirst ? failureOf(new SeededRandom(seed, attempted.size, ASPECT)) : undefined;
    if (failure === 'cut') return void request.destroy();
    if (failure === 'refused') return void response.writeHead(503).end();
    // A server that is killed hangs up too.
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    if (failure === 'slow') await delay(SLOW_MS);
    findings.expect(SIGNED, isSigned(signatures, body, request.headers), () => id);
    oracle.take(id, body);
    if (failure === 'cut when read') request.destroy();
    else response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    oracle,
    async register(serverUrl) {
      const settings = { url: `http://127.0.0.1:${port}/hooks`, organizations: '*', events: EVENTS };
      const address = `${serverUrl}/api/v1/webhooks`;
      const answer = await fetch(address, { method: 'POST', body: JSON.stringify(settings) });
      signatures = new Webhook(Registered.parse(await answer.json()).secret);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const failureOf = (random: SeededRandom) =>
  random.chance(FAILING_SHARE) ? random.pick(FAILURES) : undefined;

function isSigned(signatures: Webhook | undefined, body: string, headers: NodeJS.Dict<string | string[]>) {
  try {
    signatures?.verify(
      body,
      Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, String(one)])),
    );
    return signatures !== undefined;
  } catch {
    return false;
  }
}

/** What has to arrive. The third attempt and later ones are made at once: they would come after minutes. */
export async function readSentWebhooks({ read }: Pick<SoakPostgres, 'read'>) {
  await read(
    (sql) => sql`update webhook_deliveries set next_attempt_at = now()
      where state = 'pending' and next_attempt_at > now() + interval '20 seconds'`,
  );
  const ends = await read(
    (sql) => sql<{ sent: string }[]>`
      select 'sync.' || status || ' ' || id as sent from sync_logs where status in ('completed', 'failed')`,
  );
  const heads = await read(
    (sql) => sql<{ id: number; head: number }[]>`
      select organization_id as id, head::int as head from patient_change_streams`,
  );
  return { ends: ends.map(({ sent }) => sent), heads: new Map(heads.map(({ id, head }) => [id, head])) };
}
