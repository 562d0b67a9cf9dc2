/** A time limit must hold whatever the garbage collector does, so a collection runs while a request hangs. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { limitTime } from '../../src/timing/time-limit.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Asks a server that never answers, and keeps nothing of the limit but what the request keeps. */
async function hang(ms: number, signal: AbortSignal): Promise<Response> {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await vi.waitFor(() => expect(server.listening).toBe(true));
  const { port } = server.address() as AddressInfo;
  return await fetch(`http://127.0.0.1:${port}`, { signal: limitTime(ms, signal).signal });
}

test('a request that hangs ends at its time limit, whatever is collected before', async () => {
  const collecting = setInterval(collectGarbage, 20);
  onTestFinished(() => clearInterval(collecting));
  await expect(hang(300, new AbortController().signal)).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('an abort before the time limit takes precedence', async () => {
  const run = new AbortController();
  const asked = hang(60_000, run.signal);
  run.abort(new Error('The cancellation of this run was requested.'));
  await expect(asked).rejects.toThrow('The cancellation of this run was requested.');
});
