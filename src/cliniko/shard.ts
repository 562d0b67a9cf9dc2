/** The base URL of a key's account: Cliniko runs in shards, and a key names its shard. */

/**
 * @param apiKey such as `MS0xLTE…-au2`; the part after the last hyphen names the shard
 * @returns `https://api.au2.cliniko.com/v1`. Old keys have no such part: they belong to au1. A suffix that is not a shard name
 * also means au1, so that a host is never built from arbitrary input.
 */
export function clinikoBaseUrl(apiKey: string): string {
  return `https://api.${shardOf(apiKey)}.cliniko.com/v1`;
}

/** @returns the shard of the key's account, such as `au2` */
export function shardOf(apiKey: string): string {
  return /-([a-z]{2}[0-9]{1,2})$/i.exec(apiKey)?.[1]?.toLowerCase() ?? 'au1';
}
