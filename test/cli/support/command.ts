/** Commands as real processes, and a server that refuses them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, vi } from 'vitest';
import { builtEntry } from '../../support/build-server.ts';

export interface Command {
  child: ChildProcess;
  output(): string;
  errors(): string;
  exit: Promise<number | null>;
  says(text: string | RegExp): Promise<void>;
}

export function run(name: string, ...args: string[]): Command {
  return runWith({}, name, ...args);
}

export function runWith(environment: Record<string, string>, name: string, ...args: string[]): Command {
  const child = spawn(process.execPath, [builtEntry(`cli/${name}`), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  return watchCommand(child);
}

export function watchCommand(child: ChildProcess): Command {
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (errors += chunk));
  const exit = once(child, 'close').then(([code]) => code);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return {
    child,
    exit,
    output: () => output,
    errors: () => errors,
    says: (text) => vi.waitFor(() => expect(output).toMatch(text), { timeout: 20_000, interval: 20 }),
  };
}

/** Answers every request with the same problem, and keeps what it was asked. */
export async function startRefusingServer(status: number, detail: string) {
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ status, code: 'NOT_ALLOWED', detail }));
  });
  server.on('upgrade', (request, socket) => {
    authorizations.push(request.headers.authorization);
    // A client that has given up resets its connection.
    socket.on('error', () => {});
    socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, authorizations };
}
