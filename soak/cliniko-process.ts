/**
 * Simulated clinics in one process: `cliniko-process.ts <ClinicsOptions as JSON>`. Ends with its parent.
 *
 * Each clinic is a simulator with patients of its own. The servers know one address, so a front passes each request on to the clinic
 * whose key it carries, as Cliniko does. The clinics share a clock, which the soak moves.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { roll } from '../src/cliniko-simulator/seeded-random.ts';
import { type ClinikoSimulator, startClinikoSimulator } from '../src/cliniko-simulator/server.ts';
import { createChurn } from './churn.ts';
import { type ClinicsOptions, type ClinikoOrder, keyOf } from './cliniko-orders.ts';
import { digestOfRecord } from './digest.ts';

async function main(options: ClinicsOptions): Promise<void> {
  let aheadMs = 0;
  let effective = 0;
  const now = () => new Date(Date.now() + aheadMs);
  const clinics = await Promise.all(
    options.sizes.map((patients, clinic) =>
      startClinikoSimulator({
        patients,
        seed: roll(options.seed, clinic, 1),
        apiKey: keyOf(clinic),
        latencyMs: options.latencyMs,
        requestsPerMinute: Number.POSITIVE_INFINITY,
        now,
      }),
    ),
  );
  const churn = createChurn(
    clinics.map(({ people }, clinic) => ({ people, patients: options.sizes[clinic] ?? 0 })),
    options,
  );
  const answer = (order: ClinikoOrder): unknown => {
    if (order.what === 'clock') aheadMs = order.aheadMs;
    else if (order.what === 'fail') failNext(clinics[order.clinic], order, () => effective++);
    else if (order.what === 'rest') {
      for (const { faults } of clinics) faults.clear();
      return churn.stop();
    } else if (order.what === 'effective') return effective;
    else if (order.what === 'count') return churn.patients();
    else return listOf(clinics[order.clinic]);
    return true;
  };
  process.on('message', (order: ClinikoOrder) => process.send?.(answer(order)));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ url: await openFront(clinics) });
}

/** @param onFirst called when the first request fails */
function failNext(
  clinic: ClinikoSimulator | undefined,
  { how, times }: Extract<ClinikoOrder, { what: 'fail' }>,
  onFirst: () => void,
): void {
  let hasFailed = false;
  // The simulator asks about a request only while this fault is not used up, and then applies it.
  const everyRequest = () => {
    if (!hasFailed) onFirst();
    hasFailed = true;
    return true;
  };
  const fault = how === 'status' ? { kind: how, status: 503, times } : { kind: how, times };
  clinic?.faults.onRequests(everyRequest, fault);
}

function listOf(clinic: ClinikoSimulator | undefined): [string, string][] {
  if (clinic === undefined) return [];
  const { people } = clinic;
  // As it is sent: without keys that are undefined.
  return [...people.ids()].map((id) => [id, digestOfRecord(JSON.parse(JSON.stringify(people.record(id))))]);
}

/** @returns its address, which ends in `/v1` */
async function openFront(clinics: readonly ClinikoSimulator[]): Promise<string> {
  const ports = new Map(clinics.map(({ port }, clinic) => [authorizationOf(clinic), port]));
  const server = createServer({ keepAliveTimeout: 5_000 }, (incoming, response) =>
    passOn(ports.get(incoming.headers.authorization ?? ''), incoming, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const authorizationOf = (clinic: number): string =>
  `Basic ${Buffer.from(`${keyOf(clinic)}:`).toString('base64')}`;

function passOn(port: number | undefined, incoming: IncomingMessage, response: ServerResponse): void {
  if (port === undefined) {
    response.writeHead(401).end();
    return;
  }
  const { method, url: path, headers } = incoming;
  const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  incoming.pipe(onward);
}

await main(JSON.parse(process.argv[2] ?? ''));
