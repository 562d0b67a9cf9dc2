/** `GET /api/v1/cliniko/ws`: the door to ops-socket.ts. */
import { type HttpBindings, upgradeWebSocket, type WebSocketServerLike } from '@hono/node-server';
import { Hono } from 'hono';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_SOCKET_FRAME_BYTES, SUBPROTOCOL } from '../contract/socket-frame.ts';
import { ProblemError } from '../http/problem.ts';
import { type SocketTools, serveOpsSocket } from './ops-socket.ts';
import { viewerOf } from './viewer.ts';

/** Frames over the limit close with 1009. No deflate: it would encode each event once for each client. */
export function createSocketServer(): WebSocketServerLike {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_SOCKET_FRAME_BYTES,
    perMessageDeflate: false,
    // Connections are known in connections.ts; a second list would cost each of them again.
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  // The same server; its types only do not say that the option was set.
  return Object.assign(server, { options: { ...server.options, noServer: true } });
}

/** Who does not answer the close is not waited for. */
const REFUSED_LEAVE_MS = 1_000;

function refuseSocket(socket: WebSocket, code: number): void {
  socket.on('error', () => socket.terminate());
  socket.close(code);
  setTimeout(() => socket.terminate(), REFUSED_LEAVE_MS).unref();
}

export function socketRoutes(tools: SocketTools): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  routes.get(
    '/ws',
    upgradeWebSocket((c) => ({
      onOpen(_event, { raw }) {
        if (!(raw instanceof WebSocket)) return;
        const refusal = c.get('socketRefusal');
        if (refusal !== undefined) return refuseSocket(raw, refusal);
        const wire = c.env.incoming.socket;
        const [organizations, viewer] = [c.req.query('organizations'), viewerOf(c)];
        // The adapter adds listeners of its own after this, for events that we hear from the socket itself. They would
        // keep the whole request as long as the socket lives, so it is served in their place, before it is read. There
        // are no others: ws would add one to keep its list of clients, which is switched off above.
        queueMicrotask(() => {
          for (const event of ['message', 'close', 'error']) raw.removeAllListeners(event);
          serveOpsSocket(raw, wire, organizations, viewer, tools);
        });
      },
    })),
    () => {
      throw new ProblemError(
        'UPGRADE_REQUIRED',
        'This address speaks WebSocket: connect with a WebSocket client.',
      );
    },
  );
  return routes;
}
