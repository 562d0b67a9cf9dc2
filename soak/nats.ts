/** nats-server of Debian, where it is installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../test/support/free-port.ts';

export interface Nats {
  url: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  endAtOnce(): void;
}

const START_WITHIN_MS = 10_000;

/** @returns undefined when it is not installed */
export async function openNats(): Promise<Nats | undefined> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const program = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port)], {
      stdio: 'ignore',
      detached: true,
    });
    await once(program, 'spawn');
    child = program;
    for (const deadline = performance.now() + START_WITHIN_MS; !(await isOpen(port)); await delay(50))
      if (performance.now() > deadline) throw new Error('nats-server does not start.');
  };
  try {
    await start();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    start,
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
    endAtOnce: () => void child?.kill('SIGKILL'),
  };
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return await once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy());
}
