/**
 * The sockets of a server in this process: which are open, how much is buffered in them, and how often they were
 * written to.
 */
import type { Server } from 'node:http';
import { Socket } from 'node:net';

export interface Sockets {
  readonly open: ReadonlySet<Socket>;
  /** Resolves when every byte has been handed to the kernel. */
  drained(): Promise<void>;
  /** The same, and each socket was written to (once, if nothing else is due) since `writes` was `before`. */
  writtenSince(before: number): Promise<void>;
}

let writes = 0;

/** System calls that wrote to a socket, since `countWrites`. */
export const writesSoFar = () => writes;

/**
 * The function that Node calls for each write to a socket that reaches the kernel: several buffers at once count as
 * one.
 */
export function countWrites(): void {
  const { _write, _writev } = Socket.prototype;
  Socket.prototype._write = function (...args) {
    writes += 1;
    return _write.apply(this, args);
  };
  Socket.prototype._writev = function (...args) {
    writes += 1;
    return _writev?.apply(this, args);
  };
}

const nextIteration = () => new Promise<void>((resolve) => setImmediate(resolve));

export function trackSockets(server: Server): Sockets {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => open.add(socket));
  // No listener for each socket: it would be a part of the memory that is measured.
  const isWaiting = () => {
    for (const socket of open) {
      if (socket.destroyed) open.delete(socket);
      else if (socket.writableLength > 0) return true;
    }
    return false;
  };
  const drained = async () => {
    do await nextIteration();
    while (isWaiting());
  };
  return {
    open,
    drained,
    async writtenSince(before) {
      while (writes < before + open.size) await nextIteration();
      await drained();
    },
  };
}
