/** nats-server of Debian, alone or as a cluster whose nodes a test can kill. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { folder, run } from './program.ts';

export interface NatsNode {
  url: string;
  kill(): Promise<void>;
  /** Starts it again, at the same address. */
  restart(): Promise<void>;
  /** Changes who may do what, without a restart. */
  authorize(authorization: string): Promise<void>;
}

export async function startNats(authorization = ''): Promise<NatsNode> {
  return startNode(await folder(), await freePort(), authorization);
}

/** Three nodes that forward to each other. */
export async function startNatsCluster(): Promise<NatsNode[]> {
  const dir = await folder();
  const ports = [await freePort(), await freePort(), await freePort()];
  const routePorts = [await freePort(), await freePort(), await freePort()];
  const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  return Promise.all(
    ports.map((port, n) =>
      startNode(
        dir,
        port,
        `cluster { name: test, listen: "127.0.0.1:${routePorts[n]}", routes: [${routes}] }\n`,
      ),
    ),
  );
}

async function startNode(dir: string, port: number, settings: string): Promise<NatsNode> {
  const config = join(dir, `${port}.conf`);
  const configure = (text: string) => writeFile(config, `listen: "127.0.0.1:${port}"\n${text}`);
  await configure(settings);
  let child = await startProgram(config, port);
  return {
    url: `nats://127.0.0.1:${port}`,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async restart() {
      child = await startProgram(config, port);
    },
    async authorize(authorization) {
      await configure(authorization);
      child.kill('SIGHUP');
    },
  };
}

async function startProgram(config: string, port: number): Promise<ChildProcess> {
  const child = run('nats-server', ['-c', config]);
  await vi.waitFor(async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect').finally(() => socket.destroy());
  });
  return child;
}
