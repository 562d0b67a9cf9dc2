/** `GET /api/v1/cliniko/ws`: accepts a WebSocket upgrade, and passes the connection to websocket-connection.ts. */
import type { ServerResponse } from 'node:http';
import { Hono } from 'hono';
import { type Server, WebSocketServer } from 'ws';
import { MAX_SOCKET_FRAME_BYTES, SUBPROTOCOL } from '#contract/socket-frame.ts';
import { hijackedResponse } from '../../http/hijacked-response.ts';
import { writeProblem } from '../../http/malformed-request.ts';
import type { NodeContext, NodeRoutes } from '../../http/node-context.ts';
import { queryValue } from '../../http/parameters.ts';
import { ProblemError } from '../../http/problem.ts';
import { offersWebSocket, takeUpgrade } from '../../http/upgrades.ts';
import { streamAuthorizationOf } from '../stream-authorization.ts';
import { closeSoon } from './close-soon.ts';
import { KeptAliveSocket } from './kept-alive-socket.ts';
import { WebSocketConnection, type WebSocketDeps } from './websocket-connection.ts';

export function websocketRoutes(deps: WebSocketDeps): NodeRoutes {
  const handshakes = createHandshakes();
  const routes: NodeRoutes = new Hono();
  routes.get('/ws', (c) => {
    // The router answers HEAD with this route too.
    if (c.req.method === 'HEAD' || !offersWebSocket(c.env.incoming)) throw noOffer();
    openSocket(c, handshakes, deps);
    return hijackedResponse(c);
  });
  return routes;
}

const MAX_FRAGMENTS = 64;
/** Reads from the socket that belong to an incomplete frame. */
const MAX_BUFFERED_CHUNKS = 1_024;

type Handshakes = Server<typeof KeptAliveSocket>;

/** A frame over the limit closes the socket with 1009. No deflate: it would encode each event once for each client. */
function createHandshakes(): Handshakes {
  const handshakes = new WebSocketServer({
    noServer: true,
    WebSocket: KeptAliveSocket,
    maxPayload: MAX_SOCKET_FRAME_BYTES,
    // A frame in many small parts takes a hundred times its size in memory.
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
    perMessageDeflate: false,
    // connection-registry.ts tracks the connections; a second list would cost memory for each.
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  handshakes.on('wsClientError', (error, socket) => {
    const detail = `This WebSocket handshake is not valid: ${error.message}.`;
    void writeProblem(socket, new ProblemError('INVALID_PARAMETER', detail, { field: 'upgrade' }));
  });
  return handshakes;
}

function openSocket(c: NodeContext, handshakes: Handshakes, deps: WebSocketDeps): void {
  const { incoming } = c.env;
  const wire = incoming.socket;
  const refusal = c.get('socketRefusal');
  // A refused WebSocket learns why from its close code.
  const organizations = refusal === undefined ? queryValue(c, 'organizations') : undefined;
  const refusalOrRights = refusal ?? streamAuthorizationOf(c);
  const head = takeUpgrade(incoming, c.env.outgoing as ServerResponse);
  if (head === undefined) return;
  // The headers from middleware (CORS, security, the request id). The handshake writes its head immediately.
  const extra = [...c.res.headers].map(([name, value]) => `${name}: ${value}`);
  const addHeaders = (lines: string[]): void => void lines.push(...extra);
  handshakes.on('headers', addHeaders);
  try {
    handshakes.handleUpgrade(incoming, wire, head, (socket) => {
      if (typeof refusalOrRights === 'number') closeSoon(socket, refusalOrRights);
      else new WebSocketConnection(socket, wire, refusalOrRights, deps).begin(organizations);
    });
  } finally {
    handshakes.off('headers', addHeaders);
  }
}

function noOffer(): ProblemError {
  return new ProblemError(
    'UPGRADE_REQUIRED',
    'This is a WebSocket address: connect with a WebSocket client, which sends Upgrade: websocket and Connection: Upgrade. A proxy must forward both.',
    { headers: { upgrade: 'websocket', connection: 'Upgrade' } },
  );
}
