/** The first minutes on a platform: a process with four variables and nothing else, and a person with the bootstrap token. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished } from 'vitest';
import { builtEntry } from '../support/build-server.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { asksForToken, signIn } from './support/sign-in.ts';
import { test } from './support/test.ts';

/** A platform sends requests from another machine, so to another address than loopback. */
function addressOfMachine(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

async function startOnPlatform(databaseUrl: string, token: string) {
  const child = spawn(process.execPath, [builtEntry('main')], {
    env: {
      DATABASE_URL: databaseUrl,
      CREDENTIALS_KEY: randomBytes(32).toString('base64'),
      BOOTSTRAP_ADMIN_TOKEN: token,
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    const port = /listens on http:\/\/0\.0\.0\.0:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume();
    return { port, lines };
  }
  throw new Error(`The server ended before it listened: ${lines.join('\n')}`);
}

describe('a server with a database, a key, a bootstrap token and a port alone', () => {
  test('shows a clinic that the token registered on /ops, and refuses another token', async ({
    page,
    journal,
  }) => {
    const token = randomBytes(32).toString('hex');
    const { url: databaseUrl } = await createEmptyDatabase();
    const { port, lines } = await startOnPlatform(databaseUrl, token);
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/^[a-z]+$/) });
    }
    expect((await fetch(`http://${addressOfMachine()}:${port}/healthz`)).status).toBe(200);
    const url = `http://127.0.0.1:${port}`;
    const headers = { authorization: `Bearer ${token}` };
    const body = JSON.stringify({ name: 'Harbour Street Clinic' });
    const put = await fetch(`${url}/api/v1/organizations/123`, { method: 'PUT', headers, body });
    expect(put.status).toBe(200);

    await page.goto(`${url}/ops`);
    await asksForToken(page);
    await signIn(page, 'f'.repeat(64));
    await page.getByRole('alert').waitFor();
    await signIn(page, token);
    await page.getByRole('heading', { level: 1, name: 'All organizations' }).waitFor();
    await page.locator('.badge[data-connection="live"]').waitFor();
    await page.getByText('Harbour Street Clinic').first().waitFor();
    // Of the other token: its requests are refused, and its socket is closed while it opens.
    const ofOther = /401|closed before the connection is established/;
    expect(journal.consoleErrors.filter((problem) => !ofOther.test(problem))).toEqual([]);
  });
});
