/**
 * A port that is free now: for programs that cannot tell which one they were given, and so cannot be asked for any.
 *
 * It lies below the ports that the kernel gives to connections and to listeners on port 0, so until the program listens no
 * other test gets it by chance.
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
