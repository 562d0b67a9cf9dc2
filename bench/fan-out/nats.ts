/** nats-server, with clients over WebSocket and a publisher on one plain connection. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../src/embedded-postgres/postmaster.ts';
import type { Candidate } from './candidate.ts';
import { NATS_SUBJECT } from './nats-subscriber.ts';
import { connectTo, findProgram, makeFolder, startProgram } from './program.ts';
import { createPublisher } from './publisher.ts';

export const NATS_SERVER = findProgram('nats-server');

export async function openNats(): Promise<Candidate> {
  const [port, webSocketPort, folder] = [await freePort(), await freePort(), await makeFolder()];
  const config = join(folder, 'nats.conf');
  await writeFile(
    config,
    `listen: "127.0.0.1:${port}"
ping_interval: "10m"
websocket { listen: "127.0.0.1:${webSocketPort}", no_tls: true, compression: false }
log_file: "${join(folder, 'log')}"
`,
  );
  const program = await startProgram(NATS_SERVER ?? '', ['-c', config], folder);
  const socket = await connectTo(port);
  const publish = createPublisher(socket, 'PONG\r\n');
  await publish('CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n', 1);
  return {
    port: webSocketPort,
    path: '/',
    pid: program.pid,
    async emit(events) {
      const lines = events.map(({ json }) => `PUB ${NATS_SUBJECT} ${json.length}\r\n${json}\r\n`);
      await publish(`${lines.join('')}PING\r\n`, 1);
    },
    async close() {
      socket.destroy();
      await program.stop();
    },
  };
}
