/** nginx with its module nchan, one worker: subscribers by EventSource, publishing by pipelined POSTs. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../src/embedded-postgres/postmaster.ts';
import type { Candidate } from './candidate.ts';
import { EVENT_NAME } from './events.ts';
import { connectTo, findProgram, makeFolder, startProgram } from './program.ts';
import { createPublisher } from './publisher.ts';

const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';
const NGINX = findProgram('nginx');

export const hasNchan = () => NGINX !== undefined && existsSync(MODULE);

export async function openNchan(): Promise<Candidate> {
  const [port, folder] = [await freePort(), await makeFolder()];
  const config = join(folder, 'nginx.conf');
  await writeFile(config, configOf(port, folder));
  const program = await startProgram(NGINX ?? '', ['-p', folder, '-c', config, '-e', 'stderr'], folder);
  const socket = await connectTo(port);
  const publish = createPublisher(socket, 'HTTP/1.1 20');
  return {
    port,
    path: '/events',
    pid: program.pid,
    async emit(events) {
      await publish(events.map(({ json }) => postOf(json)).join(''), events.length);
    },
    async close() {
      socket.destroy();
      await program.stop();
    },
  };
}

const postOf = (json: string) =>
  `POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-EventSource-Event: ${EVENT_NAME}\r\nContent-Length: ${json.length}\r\n\r\n${json}`;

function configOf(port: number, folder: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  return `load_module ${MODULE};
daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr warn;
worker_rlimit_nofile 20000; events { worker_connections 19000; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; ${paths.join(' ')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /publish { nchan_publisher; nchan_channel_id events; nchan_message_buffer_length 1000; }
    location = /events { nchan_subscriber eventsource; nchan_channel_id events; nchan_subscriber_first_message newest; }
  }
}
`;
}
