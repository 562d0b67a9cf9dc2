/** Webhooks over TLS: the name is what the certificate is checked for, the address is the one that was looked at. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Webhook as Verifier } from 'standardwebhooks';
import { describe, expect, onTestFinished, test } from 'vitest';
import { newSecret } from '../../src/webhooks/signature.ts';
import { newFolder } from '../support/new-folder.ts';

const execute = promisify(execFile);
const SENDER = fileURLToPath(new URL('support/send-webhook.ts', import.meta.url));

/** For `localhost` alone. */
async function makeCertificate(): Promise<{ certificate: string; key: string }> {
  const folder = await newFolder();
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  await execute('openssl', ['req', ...form, ...subject, '-keyout', key, '-out', certificate]);
  return { certificate, key };
}

async function send(url: string, secret: string, trusted?: string): Promise<unknown> {
  const env = { ...process.env, ...(trusted && { NODE_EXTRA_CA_CERTS: trusted }) };
  const { stdout } = await execute(process.execPath, ['--import', 'tsx', SENDER, url, secret], { env });
  return JSON.parse(stdout);
}

describe('a receiver with TLS', () => {
  test('is sent to when its certificate is good for its name, and not otherwise', async () => {
    const { certificate, key } = await makeCertificate();
    const received: { headers: Record<string, string>; body: string }[] = [];
    const server = createServer(
      { cert: await readFile(certificate), key: await readFile(key) },
      async (request, response) => {
        const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
        received.push({ headers: Object.fromEntries(headers), body: await text(request) });
        response.writeHead(204).end();
      },
    );
    server.listen(0, 'localhost');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port, address } = server.address() as AddressInfo;
    const secret = newSecret();

    expect(await send(`https://localhost:${port}/hooks`, secret, certificate)).toMatchObject({
      status: 204,
      error: null,
    });
    const [first] = received;
    expect(first && new Verifier(secret).verify(first.body, first.headers)).toEqual({
      type: 'sync.completed',
    });

    const refused = { status: null, error: 'TLS failed: the certificate is not valid for this name.' };
    expect(await send(`https://localhost:${port}/hooks`, secret)).toMatchObject(refused);
    // Trusted, but for another name.
    const other = address.includes(':') ? `[${address}]` : address;
    expect(await send(`https://${other}:${port}/hooks`, secret, certificate)).toMatchObject(refused);
    expect(received).toHaveLength(1);
  });
});
