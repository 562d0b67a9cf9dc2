/** Clients that never read, beside others that do. The server is a separate process, so that its memory can be measured. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished } from 'vitest';
import { builtEntry } from '../support/build-server.ts';
import { test } from '../support/database.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import type { SentEvent } from '../support/sent-event.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { openStream } from '../support/stream.ts';

const MEGABYTE = 1024 * 1024;
// Few and large: the commits take most of the time of this test.
const EVENTS = 2_000;
/** Events before the measurement, as many: the heap of a server grows with its first burst, with any readers. */
const FIRST_EVENTS = EVENTS;

async function startProcess(databaseUrl: string): Promise<{ url: string; rss(): Promise<number> }> {
  // A small young generation: V8 grows it by 32 MB in some bursts, with any readers.
  const child = spawn(process.execPath, ['--max-semi-space-size=1', builtEntry('main')], {
    env: {
      ...process.env,
      PORT: '0',
      DATABASE_URL: databaseUrl,
      CREDENTIALS_KEY: CREDENTIALS_KEY.toString('base64'),
      LOG_FORMAT: 'pretty',
      DRAIN_MS: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  for await (const line of createInterface(child.stdout)) {
    const url = /listens on (\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { url, rss: () => residentBytes(child.pid ?? 0) };
  }
  throw new Error('The server ended before it listened.');
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Requests the stream, and never reads from it. */
async function openUnreadSocket(url: string): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.pause();
  await once(socket, 'connect');
  socket.write(`GET /api/v1/cliniko/sync-logs/55/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return socket;
}

/** The heartbeats of a machine that needs longer than 15 s are no events. */
const withoutPings = (sent: readonly SentEvent[]) => sent.filter(({ event }) => event !== 'ping');

describe.runIf(process.platform === 'linux')('20 clients that never read', () => {
  test('cost the server less than 60 MB, and other clients miss no event', async ({ databaseUrl }) => {
    const server = await startProcess(databaseUrl);
    const { sql, begin } = openExternalWriter(databaseUrl);
    await begin();
    await sql`update sync_logs set metadata = ${JSON.stringify({ note: 'x'.repeat(2_400) })}::text::jsonb`;
    const witness = await openStream(`${server.url}/api/v1/cliniko/sync-logs/55/events`);
    await witness.until((sent) => sent.length === 2);
    const console = await openSocket(server, '?organizations=55');
    await console.until('snapshot');
    const change = (count: number) =>
      sql.unsafe(`do $$ begin for n in 1..${count} loop
        update sync_logs set records_processed = n where status = 'running'; commit; end loop; end $$`);
    await change(FIRST_EVENTS);
    await console.until('progress', FIRST_EVENTS);
    const deaf = await Promise.all(Array.from({ length: 20 }, () => openUnreadSocket(server.url)));
    const before = await server.rss();
    await change(EVENTS);
    const all = FIRST_EVENTS + EVENTS;
    const sent = withoutPings(await witness.until((seen) => withoutPings(seen).length === all + 2));
    const after = await server.rss();
    const progress = await console.until('progress', all);

    expect(sent.at(-1)?.data.length).toBeGreaterThan(3_000);
    const everyOne = Array.from({ length: all }, (_, n) => n + 3);
    expect(sent.slice(2).map(({ id }) => Number(id?.split('.')[1]))).toEqual(everyOne);
    expect(progress.map((frame) => ('seq' in frame ? frame.seq : 0))).toEqual(everyOne);
    expect((after - before) / MEGABYTE).toBeLessThan(60);
    // The run ends before one of them starts to read: it gets the buffered frames, all missed events or a snapshot that
    // replaces them, and the end of the run.
    await sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc'`;
    await witness.until((seen) => withoutPings(seen).at(-1)?.event === 'completed');
    const [late] = deaf as [Socket];
    let text = '';
    late.on('data', (chunk) => (text += chunk)).resume();
    const frames = () =>
      [...text.matchAll(/^id: \w+\.(\d+)\nevent: (\w+)\ndata: .*\n\n/gm)].map(([, seq, event]) => ({
        seq: Number(seq),
        event,
      }));
    const hasEnded = () => frames().some(({ event }) => event === 'completed');
    // A gap is answered by a snapshot at the next event or after it.
    const isWhole = () => {
      const seen = frames();
      const snapshot = Math.max(...seen.map(({ seq, event }) => (event === 'snapshot' ? seq : 0)));
      return seen.every(({ seq }, index) => seq <= (seen[index - 1]?.seq ?? seq) + 1 || seq <= snapshot);
    };
    while (!hasEnded() || !isWhole()) await once(late, 'data');
    const seqs = frames().map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
    expect(seqs.at(-1)).toBe(all + 3);
  });
});
