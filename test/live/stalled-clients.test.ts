/** Clients that stop reading while events arrive. The limit of 30 s is shortened, so that the test need not wait for it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { changeTimers } from '../support/change-timers.ts';
import { test } from '../support/database.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { startTestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { changesOf, openStream } from '../support/stream.ts';

/** More than the buffers of the operating system hold. */
const EVENTS = 80;
const EVENT_BYTES = 200_000;

/** Opens a stream, reads its snapshot, and then nothing. */
async function openStreamThatStops(url: string) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.write(`GET /api/v1/cliniko/sync-logs/55/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  for (let text = ''; !/event: snapshot\n.*\n\n/.test(text); )
    text += String((await once(socket, 'data'))[0]);
  return socket.pause();
}

describe('a client that takes nothing for 30 s', () => {
  test('is disconnected, a WebSocket with 4002, and the others get every event', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { sql, begin, leap } = openExternalWriter(databaseUrl);
    await begin();
    const witness = await openStream(`${server.url}/api/v1/cliniko/sync-logs/55/events`);
    await witness.until((sent) => sent.length === 2);
    const stream = await openStreamThatStops(server.url);
    const socket = await openSocket(server, '?organizations=55');
    await socket.until('snapshot');
    socket.socket.pause();

    // A client that reads takes in 10 s what a full socket holds. In the same time the closed one must take the reason.
    const changed = changeTimers({ 30000: 10_000, 1000: 60_000 });
    await sql`update sync_logs set metadata = ${JSON.stringify({ note: 'x'.repeat(EVENT_BYTES) })}::text::jsonb`;
    await leap(EVENTS);
    await witness.until((sent) => changesOf(sent).length === EVENTS + 1);
    const closed = async () =>
      /^patient_sync_slow_readers_total\{fate="closed"\} (\d+)$/m.exec(
        await (await fetch(`${server.url}/metrics`)).text(),
      )?.[1];
    await vi.waitFor(async () => expect(await closed()).toBe('2'), { timeout: 40_000, interval: 50 });

    socket.socket.resume();
    expect(await socket.closed).toBe(4002);
    changed.mockRestore();
    const ended = once(stream, 'close');
    stream.resume();
    await ended;
    await sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc'`;
    await witness.until((sent) => sent.at(-1)?.event === 'completed');
  });
});
