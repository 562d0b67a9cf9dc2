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

/** The open connections of one address. */
interface Share {
  key: string;
  open: number;
}

export function limitConnectionsPerAddress(server: Server, options: ConnectionShareOptions): void {
  const shares = new Map<string, Share>();
  const shareOf = new WeakMap<Socket, Share>();
  /** One for all sockets, which saves memory. */
  function onClose(this: Socket): void {
    const share = shareOf.get(this);
    if (share === undefined) return;
    share.open -= 1;
    if (share.open === 0) shares.delete(share.key);
  }
  server.on('connection', (socket: Socket) => {
    const address = peerAddress(socket);
    if (isTrusted(address, options.trustedProxies)) return;
    const key = addressShare(address);
    const share = shares.get(key) ?? { key, open: 0 };
    if (share.open >= options.perAddress) {
      socket.destroy();
      options.onRefused('address');
      return;
    }
    share.open += 1;
    shares.set(key, share);
    shareOf.set(socket, share);
    socket.on('close', onClose);
  });
  server.on('drop', () => options.onRefused('server'));
}
