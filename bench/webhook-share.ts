/** How long a webhook takes to its receiver, alone and beside another organization whose ten endpoints never answer. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RunningServer, startServer } from '../src/server/server.ts';
import type { Environment } from './environment.ts';
import { productConfig, silentLogger } from './product.ts';
import { percentile, progress } from './rounds.ts';
import type { Row } from './table.ts';

const [HEALTHY, HANGING] = [501, 502];
const HANGING_ENDPOINTS = 10;
/** More than all endpoints together take until the measurement is over. */
const HANGING_MESSAGES = 50;

export async function benchWebhookShare({ database, url }: Environment, messages: number): Promise<Row> {
  progress(`${messages} webhooks, alone and beside endpoints that hang …`);
  await database.sql`insert into organizations (id, name, country, time_zone, validation)
    select id, 'Clinic', 'AU', 'UTC', '{}' from unnest(${[HEALTHY, HANGING]}::int[]) as id`;
  let received = (): void => {};
  const healthy = await listen((_request, response) => {
    response.writeHead(204).end();
    received();
  });
  const hanging = await listen(() => {});
  const server = await startServer(productConfig(url, { WEBHOOKS_ALLOW_LOOPBACK: 'true' }), silentLogger());
  const deliver = async (): Promise<number> => {
    const began = performance.now();
    const arrived = new Promise<void>((resolve) => {
      received = resolve;
    });
    await endRuns(database.sql, HEALTHY, 1);
    await arrived;
    return performance.now() - began;
  };
  try {
    await register(server, HEALTHY, healthy);
    const alone = await repeat(messages, deliver);
    for (let n = 0; n < HANGING_ENDPOINTS; n++) await register(server, HANGING, hanging);
    await endRuns(database.sql, HANGING, HANGING_MESSAGES);
    await once(hanging, 'request');
    const beside = await repeat(messages, deliver);
    const value = percentile(beside, 0.95);
    const name = `webhook beside ${HANGING_ENDPOINTS} endpoints of another organization that hang, p95`;
    return { name, value, unit: 'ms', ratio: value / percentile(alone, 0.95), of: 'alone', atMost: 2 };
  } finally {
    for (const receiver of [healthy, hanging]) receiver.close().closeAllConnections();
    await server.stop();
  }
}

async function listen(answer: RequestListener): Promise<Server> {
  const receiver = createServer(answer).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  return receiver;
}

async function register({ url }: RunningServer, organizationId: number, receiver: Server): Promise<void> {
  const { port } = receiver.address() as AddressInfo;
  const response = await fetch(`${url}/api/v1/organizations/${organizationId}/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: `http://127.0.0.1:${port}/hook` }),
  });
  if (response.status !== 201) throw new Error(`The webhook was answered ${response.status}.`);
}

/** Another program's runs that end at once: each is one message to each endpoint of the organization. */
function endRuns(
  sql: Environment['database']['sql'],
  organizationId: number,
  runs: number,
): Promise<unknown> {
  return sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    select ${organizationId}::int, 'bench', 'failed', now() at time zone 'utc' from generate_series(1, ${runs}::int)`;
}

async function repeat(times: number, measure: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let n = 0; n < times; n++) values.push(await measure());
  return values;
}
