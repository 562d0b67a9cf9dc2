/** Checks without the database: the Node version, how the server may be reached, and what it tells Cliniko about itself. */
import { isLoopbackAddress } from '../../access/same-origin.ts';
import { CONTACT_IS_MISSING } from '../../cliniko/request-headers.ts';
import type { Config } from '../../config/config.ts';
import { type Finding, failure, ok, warning } from './finding.ts';

const OLDEST_NODE = [20, 19] as const;

export function checkNode(): Finding {
  const version = process.versions.node;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  if (!isOld) return ok('node', `Node ${version}`);
  return failure(
    'node',
    `Node ${version} is too old. Install Node ${OLDEST_NODE.join('.')} or newer, best the active LTS.`,
  );
}

/** Nginx with its default `Host`, or with another port in it, is the most frequent reason for a 403. */
export function checkProxy({ auth, host, allowedOrigins }: Config): Finding {
  if (auth === 'none') {
    return ok(
      'proxy',
      'AUTH is none: the server answers only programs on this machine. Behind a proxy, set AUTH=tokens.',
    );
  }
  if (allowedOrigins.length > 0)
    return ok('proxy', `Pages of ${allowedOrigins.join(', ')} may write and stream.`);
  const address = isLoopbackAddress(host)
    ? `a proxy on this machine must pass its own`
    : `a proxy must pass the browser's`;
  return warning(
    'proxy',
    `ALLOWED_ORIGINS is not set: ${address} Host with its port (nginx: proxy_set_header Host $http_host), or set ALLOWED_ORIGINS to the address that browsers show.`,
  );
}

export function checkContact({ cliniko }: Config): Finding {
  if (cliniko.contactEmail !== undefined)
    return ok('contact', 'Each request names CLINIKO_CONTACT_EMAIL to Cliniko.');
  return warning('contact', CONTACT_IS_MISSING);
}
