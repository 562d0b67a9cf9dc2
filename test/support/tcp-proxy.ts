/** A network before a server or a database that a test can break, silently or with an error. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TcpProxy {
  /** What is behind this network, through it. */
  url: string;
  /** Every open connection stops forwarding without notice. New ones work. */
  goSilent(): void;
  /** Closes all connections and rejects new ones, until it is called with `false`. */
  refuse(refusing: boolean): void;
  /** New connections go to another database. */
  pointTo(databaseUrl: string): void;
}

export async function openTcpProxy(databaseUrl: string): Promise<TcpProxy> {
  let target = databaseUrl;
  const pairs = new Set<{ sockets: [Socket, Socket]; isSilent: boolean }>();
  let isRefusing = false;
  const server = createServer((client) => {
    if (isRefusing) {
      client.destroy();
      return;
    }
    const { hostname, port } = new URL(target);
    const database = connect(Number(port), hostname);
    const pair = { sockets: [client, database] as [Socket, Socket], isSilent: false };
    pairs.add(pair);
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      from.on('data', (bytes) => pair.isSilent || to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => pair.isSilent || to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const { sockets } of pairs) for (const socket of sockets) socket.destroy();
    pairs.clear();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    goSilent() {
      for (const pair of pairs) pair.isSilent = true;
    },
    refuse(refusing) {
      isRefusing = refusing;
      if (refusing) cut();
    },
    pointTo(other) {
      target = other;
    },
  };
}
