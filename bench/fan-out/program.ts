/** Programs from outside npm: finds, starts and stops them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian installs servers into directories that only root has in its PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];

export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

export interface Program {
  pid: number;
  stop(): Promise<void>;
}

/** @param folder its working directory, removed with it */
export async function startProgram(path: string, args: readonly string[], folder: string): Promise<Program> {
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'spawn');
  // It has no state to lose, and nchan crashes on a graceful stop while it has subscribers.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    pid: child.pid as number,
    async stop() {
      if (kill()) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'patient-sync-bench-'));
  await chmod(folder, 0o755);
  return folder;
}

const TRIES = 100;
const RETRY_MS = 50;

/** Connects when the program listens. @throws when it does not within 5 s */
export async function connectTo(port: number): Promise<Socket> {
  for (let tries = 1; ; tries++) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
