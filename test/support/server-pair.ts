/** Two servers on one database, as real processes behind a network that a test can cut. A killed server is restarted. */
import { once } from 'node:events';
import { type ClinikoSimulator, startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface ServerPair {
  cliniko: ClinikoSimulator;
  /** Stable addresses, whichever process is behind them. */
  addresses: readonly [string, string];
  /** Closes every connection of one of them, on both sides. */
  cut(which: 0 | 1): void;
  /** Kills one and starts another in its place; does nothing while that one is still starting. */
  replace(which: 0 | 1, signal: 'SIGKILL' | 'SIGTERM'): void;
  /**
   * Resolves when both are up.
   * @throws when one ended without being killed
   */
  settled(): Promise<void>;
}

interface Member {
  server: ServerProcess;
  network: TcpProxy;
  replacing: Promise<void> | undefined;
}

const STARTS_AT_MOST = 5;

export async function openServerPair(
  databaseUrl: string,
  { patients = 1, environment = {} }: { patients?: number; environment?: Record<string, string> } = {},
): Promise<ServerPair> {
  const cliniko = await startClinikoSimulator({ patients, requestsPerMinute: Number.POSITIVE_INFINITY });
  /** A lost session during its start ends the server too; a supervisor restarts it. */
  const start = async (left = STARTS_AT_MOST): Promise<ServerProcess> =>
    startServerProcess({ cliniko, databaseUrl, environment: { DRAIN_MS: '200', ...environment } }).catch(
      (error: unknown) => {
        if (left === 1) throw error;
        return start(left - 1);
      },
    );
  const startMember = async (): Promise<Member> => {
    const server = await start();
    return { server, network: await openTcpProxy(server.url), replacing: undefined };
  };
  const members = await Promise.all([startMember(), startMember()]);
  const replace = async (member: Member, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const { child } = member.server;
    assertAlive(member);
    child.kill(signal);
    await once(child, 'exit');
    member.server = await start();
    member.network.pointTo(member.server.url);
    member.replacing = undefined;
  };
  const [one, other] = members;
  return {
    cliniko,
    addresses: [new URL(one.network.url).origin, new URL(other.network.url).origin],
    cut(which) {
      members[which].network.refuse(true);
      members[which].network.refuse(false);
    },
    replace(which, signal) {
      members[which].replacing ??= replace(members[which], signal);
    },
    async settled() {
      for (const member of members) await member.replacing;
      members.forEach(assertAlive);
    },
  };
}

function assertAlive({ server: { child } }: Member): void {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error('A server ended by itself.');
}
