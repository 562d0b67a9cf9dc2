/**
 * The examples on `/docs`: the API with curl, the frames of a stream and of the WebSocket, and the tag for other pages. A test
 * sends each request and parses each frame.
 */
import { html } from 'hono/html';
import { SUBPROTOCOL } from '#contract/socket-frame.ts';
import { HEARTBEAT_MS } from '#contract/stream-event.ts';
import type { Html } from './schema-view.ts';

/** The page is created once for all names of a server, and behind a proxy a server does not know its scheme. */
const ORIGIN = 'https://sync.example.com';
const ORGANIZATION = 123;
const HEAD = 'k7x2.0';
const STREAM = { organization_id: ORGANIZATION, head: HEAD, recovered: true, reason: null };
const SNAPSHOT = {
  v: 1,
  type: 'snapshot',
  organization_id: ORGANIZATION,
  sync_log_id: null,
  seq: 0,
  cursor: HEAD,
  at: '2026-11-23T10:00:00.000Z',
  log: null,
};

function requests(server: string): string {
  return `curl -X PUT ${server}/api/v1/organizations/${ORGANIZATION} -H "$AUTH" -d '{"name": "Harbour Street Clinic"}'
curl -X POST ${server}/api/v1/cliniko/sync-all/${ORGANIZATION} -H "$AUTH"
curl ${server}/api/v1/cliniko/sync-logs/${ORGANIZATION}?limit=5 -H "$AUTH"
curl -N ${server}/api/v1/cliniko/sync-logs/${ORGANIZATION}/events -H "$AUTH"`;
}

function streamFrames(): string {
  const hello = { v: 1, type: 'hello', ...STREAM, heartbeat_ms: HEARTBEAT_MS };
  return `event: hello
data: ${JSON.stringify(hello)}

id: ${HEAD}
event: snapshot
data: ${JSON.stringify(SNAPSHOT)}`;
}

function socketFrames(): string {
  const subscribe = { type: 'subscribe', id: 'a', organizations: [ORGANIZATION] };
  const subscribed = { v: 1, type: 'subscribed', id: 'a', streams: [STREAM] };
  return `> ${JSON.stringify(subscribe)}
< ${JSON.stringify(subscribed)}
< ${JSON.stringify(SNAPSHOT)}`;
}

const tag = (server: string): string => `<script src="${server}/embed/sync-progress.js" async></script>
<sync-progress org="${ORGANIZATION}"></sync-progress>`;

export function examplesView(basePath: string): Html {
  const server = `${ORIGIN}${basePath}`;
  return html`<section id="examples"><h2>Examples</h2>
<article><h3>Start a sync and follow it</h3>
<p>With accounts: <code>AUTH="Authorization: Bearer $PATIENT_SYNC_TOKEN"</code>. Without: leave <code>-H "$AUTH"</code> out. Replace <code>${ORIGIN}</code> by the address of this server.</p>
<pre tabindex="0" data-example="curl">${requests(server)}</pre></article>
<article><h3>The first events of a stream</h3>
<p>A client that reconnects with <code>Last-Event-ID</code> gets exactly what it missed.</p>
<pre tabindex="0" data-example="stream">${streamFrames()}</pre></article>
<article><h3>A subscription on the WebSocket</h3>
<p>Subprotocol <code>${SUBPROTOCOL}</code>; <code>&gt;</code> is to the server, <code>&lt;</code> from it.</p>
<pre tabindex="0" data-example="socket">${socketFrames()}</pre></article>
<article><h3>The progress in another page</h3>
<p>Add the origin of that page to <code>ALLOWED_ORIGINS</code>. With accounts, the page also needs a function that gets stream tokens.</p>
<pre tabindex="0" data-example="tag">${tag(server)}</pre></article></section>`;
}
