import { once } from 'node:events';
import { createServer } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { hijackedResponse } from '../../src/http/hijacked-response.ts';
import { QueuedResponse } from '../../src/http/queued-response.ts';
import { answerInTurn } from '../../src/http/request-queue.ts';
import { openRaw } from '../support/raw-connection.ts';

describe('a stream that has taken the connection of its request', () => {
  test('keeps nothing of the request, and gets the end of the connection', async () => {
    const onClose = vi.fn();
    const app = new Hono<{ Bindings: HttpBindings }>().get('/events', async (c) => {
      const response = c.env.outgoing as QueuedResponse;
      response.socket?.write('HTTP/1.1 200 OK\r\n\r\nopen');
      response.stream = { onClose };
      return hijackedResponse(c);
    });
    const server = createServer({ ServerResponse: QueuedResponse });
    answerInTurn(server, getRequestListener(app.fetch));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const asked = once(server, 'request');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const client = openRaw(`http://127.0.0.1:${port}`, 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    const [request, response] = await asked;
    await client.until('open');
    // The listener of the adapter would hold the request.
    await vi.waitFor(() => expect(response.listenerCount('close')).toBe(0));
    expect([request.url, request.rawHeaders, request.headers]).toEqual(['', [], {}]);
    expect(onClose).not.toHaveBeenCalled();
    client.socket.destroy();
    await vi.waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  });
});
