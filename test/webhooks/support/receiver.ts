/** A receiver of webhooks: a real HTTP server on this machine, whose answers a test decides. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished, vi } from 'vitest';

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** Answers, in order; the last one stays. `hang` never answers. */
  answers: (number | 'hang' | { status: number; headers: Record<string, string> })[];
  until(count: number): Promise<Received[]>;
}

export async function startReceiver(...answers: Receiver['answers']): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const place = Math.min(received.length, receiver.answers.length - 1);
    received.push({ headers: request.headers, body });
    const answer = receiver.answers[place] ?? 204;
    if (answer === 'hang') return;
    const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
    response.writeHead(status, headers).end('what a receiver says is not stored');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    answers,
    until: (count) =>
      vi.waitFor(
        () => {
          if (received.length < count) throw new Error(`Only ${received.length} of ${count} came.`);
          return received;
        },
        { timeout: 20_000, interval: 10 },
      ),
  };
  return receiver;
}

/**
 * Takes about two of three messages: it refuses the others at random, before it has read them or after. Each is taken at its sixth
 * attempt at the latest, because the server gives up after the tenth.
 */
export async function startFailingReceiver(): Promise<{ url: string; taken: string[] }> {
  const taken: string[] = [];
  const attempts = new Map<unknown, number>();
  const server = createServer(async (request, response) => {
    const id = request.headers['webhook-id'];
    const attempt = (attempts.get(id) ?? 0) + 1;
    attempts.set(id, attempt);
    const luck = attempt < 6 ? Math.random() : 1;
    if (luck < 0.15) {
      request.socket.destroy();
      return;
    }
    const body = await text(request);
    if (luck < 0.3) {
      response.writeHead(503).end();
      return;
    }
    taken.push(body);
    // The message has arrived, and the sender does not learn it.
    if (luck < 0.4) request.socket.destroy();
    else response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`, taken };
}
