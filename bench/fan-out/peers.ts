/** The peers that cannot be measured on this machine, and how to enable them. */
import { platform } from 'node:os';
import type { Absence } from '../table.ts';
import { NATS_SERVER } from './nats.ts';
import { hasNchan } from './nchan.ts';
import type { Kind } from './server-process.ts';

export function missingPeers(): Map<Kind, Absence> {
  const missing = new Map<Kind, Absence>();
  const note = (kind: Kind, name: string, why: string) => missing.set(kind, { name, missing: why });
  if (NATS_SERVER === undefined) {
    note('nats', 'WebSocket, against nats-server', 'on Debian, `apt-get install nats-server`');
  }
  if (!hasNchan()) {
    note(
      'nchan',
      'SSE, against nginx with nchan',
      'on Debian, `apt-get install nginx-light libnginx-mod-nchan`',
    );
  }
  if (platform() === 'linux') return missing;
  const why = 'the processor time of other programs is read from /proc, which only Linux has';
  note('nats', 'WebSocket, against nats-server', why);
  note('nchan', 'SSE, against nginx with nchan', why);
  return missing;
}
