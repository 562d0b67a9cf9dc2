/** Checks the client: the key in `Authorization`, and the mandatory headers. */
import type { IncomingHttpHeaders } from 'node:http';

/** Has the format of a Cliniko key: base64 text, a dash, the shard. Works with this simulator only. */
export const DEFAULT_API_KEY = 'MxJzaW11bGF0ZWQiOiJub3QgYSByZWFsIGtleSBhdCBhbGwgMDAwMDAwMDAwMDAxIn0-au1';

const CONTACT = /\S+ *\(\S+@\S+\)/;

/** A key is valid with and without its shard; the password is empty. */
export function isAdmitted(authorization: string | undefined, keys: readonly string[]): boolean {
  const encoded = /^Basic +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  const given = Buffer.from(encoded, 'base64').toString();
  return keys.some((key) => given === `${key}:` || given === `${withoutShard(key)}:`);
}

/** The shard of a key; keys without one belong to the first region. */
export function shardOf(key: string): string {
  return /-([a-z]{2}\d{1,2})$/i.exec(key)?.[1]?.toLowerCase() ?? 'au1';
}

/** Mandatory headers that are missing or invalid. */
export function headerViolations(headers: IncomingHttpHeaders): string[] {
  const violations: string[] = [];
  if (!CONTACT.test(headers['user-agent'] ?? '')) violations.push('User-Agent');
  if (!headers.accept?.includes('application/json')) violations.push('Accept');
  return violations;
}

function withoutShard(key: string): string {
  return key.replace(/-[a-z]{2}\d{1,2}$/i, '');
}
