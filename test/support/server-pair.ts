/** Two servers on one database, as real processes behind a network that a test can cut. A killed server is restarted. */
import { once } from 'node:events';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface ServerPair {
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

interface Seat {
  server: ServerProcess;
  network: TcpProxy;
  replacing: Promise<void> | undefined;
}

const STARTS_AT_MOST = 5;

export async function openServerPair(databaseUrl: string): Promise<ServerPair> {
  const cliniko = await startClinikoSimulator({ patients: 1, requestsPerMinute: Number.POSITIVE_INFINITY });
  /** A lost session during its start ends the server too; a supervisor restarts it. */
  const start = async (left = STARTS_AT_MOST): Promise<ServerProcess> =>
    startServerProcess({ cliniko, databaseUrl, environment: { DRAIN_MS: '200' } }).catch((error: unknown) => {
      if (left === 1) throw error;
      return start(left - 1);
    });
  const sit = async (): Promise<Seat> => {
    const server = await start();
    return { server, network: await openTcpProxy(server.url), replacing: undefined };
  };
  const seats = await Promise.all([sit(), sit()]);
  const replace = async (seat: Seat, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const { child } = seat.server;
    assertAlive(seat);
    child.kill(signal);
    await once(child, 'exit');
    seat.server = await start();
    seat.network.pointTo(seat.server.url);
    seat.replacing = undefined;
  };
  const [one, other] = seats;
  return {
    addresses: [new URL(one.network.url).origin, new URL(other.network.url).origin],
    cut(which) {
      seats[which].network.refuse(true);
      seats[which].network.refuse(false);
    },
    replace(which, signal) {
      seats[which].replacing ??= replace(seats[which], signal);
    },
    async settled() {
      for (const seat of seats) await seat.replacing;
      seats.forEach(assertAlive);
    },
  };
}

function assertAlive({ server: { child } }: Seat): void {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error('A server ended by itself.');
}
