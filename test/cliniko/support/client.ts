/** A client of the simulated Cliniko, or of a server with scripted responses. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { onTestFinished } from 'vitest';
import { ClinikoClient, type ClinikoClientOptions } from '../../../src/cliniko/client.ts';
import { createPacer } from '../../../src/cliniko/pacer.ts';
import { type SimulatorOptions, startClinikoSimulator } from '../../../src/cliniko-simulator/server.ts';
import { createMemoryBudget } from '../../support/memory-budget.ts';
import { testClock } from '../../support/test-clock.ts';

export const never = new AbortController().signal;
export const query = (page: number) => ({
  page,
  perPage: 100,
  filters: ['archived_at:*', 'created_at:<=2030-01-01T00:00:00Z'],
  sort: 'created_at:asc,id:asc',
});

export async function openClient(
  options: Partial<ClinikoClientOptions> = {},
  clinic: Partial<SimulatorOptions> = {},
) {
  const cliniko = await startClinikoSimulator({ patients: 450, requestsPerMinute: 0, ...clinic });
  onTestFinished(() => cliniko.close());
  const clock = testClock();
  const client = new ClinikoClient({
    apiKey: cliniko.apiKey,
    baseUrl: cliniko.url,
    contactEmail: 'ops@clinic.example',
    pacer: createPacer(createMemoryBudget({ requests: 1_000_000 }, clock), clock),
    clock,
    random: () => 0.5,
    ...options,
  });
  return { cliniko, clock, client };
}

/** A server with scripted responses. */
export async function serve(answer: RequestListener): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}/v1`, requests };
}

export const EMPTY_PAGE = JSON.stringify({ patients: [], total_entries: 0, links: {} });
