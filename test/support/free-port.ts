/**
 * A port that is free now, and that no other test gets by chance: it lies below the ports that the kernel gives to connections
 * and to listeners on port 0.
 *
 * For programs that cannot tell which port they were given, for a server that is restarted at its address, and for an address
 * at which nothing answers any more.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const FIRST = 15_000;
/** The lowest of the kernel's own: /proc/sys/net/ipv4/ip_local_port_range. */
const END = 32_768;

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
