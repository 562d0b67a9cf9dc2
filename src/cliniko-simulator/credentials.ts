/** Who asks: the key of `Authorization`, and the headers every client has to send. */
import type { IncomingHttpHeaders } from 'node:http';

/** Looks like a key of Cliniko: base64 text, a dash, the shard. Opens nothing but this simulator. */
export const DEFAULT_API_KEY = 'MxJzaW11bGF0ZWQiOiJub3QgYSByZWFsIGtleSBhdCBhbGwgMDAwMDAwMDAwMDAxIn0-au1';

const CONTACT = /\S+ *\(\S+@\S+\)/;

/** A key is as good with its shard as without; the password is empty. */
export function isAdmitted(authorization: string | undefined, keys: readonly string[]): boolean {
  const encoded = /^Basic +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  const given = Buffer.from(encoded, 'base64').toString();
  return keys.some((key) => given === `${key}:` || given === `${withoutShard(key)}:`);
}

/** The shard a key belongs to; keys without one belong to the first region. */
export function shardOf(key: string): string {
  return /-([a-z]{2}\d{1,2})$/i.exec(key)?.[1]?.toLowerCase() ?? 'au1';
}

/** Mandatory headers that are missing or poor. */
export function headerViolations(headers: IncomingHttpHeaders): string[] {
  const violations: string[] = [];
  if (!CONTACT.test(headers['user-agent'] ?? '')) violations.push('User-Agent');
  if (!headers.accept?.includes('application/json')) violations.push('Accept');
  return violations;
}

function withoutShard(key: string): string {
  return key.replace(/-[a-z]{2}\d{1,2}$/i, '');
}
