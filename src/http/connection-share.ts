/**
 * Limits the connections of one address to a share of those that the server accepts.
 *
 * Addresses in `TRUSTED_PROXIES` are not counted, as one proxy may forward all clients.
 */
import type { Server } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import { addressShare, isTrusted, peerAddress } from './client-address.ts';

export interface ConnectionShareOptions {
  perAddress: number;
  trustedProxies: BlockList;
  onRefused: (reason: 'address' | 'server') => void;
}

export function limitConnectionsPerAddress(server: Server, options: ConnectionShareOptions): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = peerAddress(socket);
    if (isTrusted(address, options.trustedProxies)) return;
    const key = addressShare(address);
    const count = open.get(key) ?? 0;
    if (count >= options.perAddress) {
      socket.destroy();
      options.onRefused('address');
      return;
    }
    open.set(key, count + 1);
    socket.once('close', () => {
      const left = (open.get(key) ?? 1) - 1;
      if (left > 0) open.set(key, left);
      else open.delete(key);
    });
  });
  server.on('drop', () => options.onRefused('server'));
}
