/** Where a key's account lives: Cliniko runs in shards, and a key names its own. */

/**
 * @param apiKey such as `MS0xLTE…-au2`; the part after the last hyphen names the shard
 * @returns `https://api.au2.cliniko.com/v1`. Old keys have no such part: they belong to au1. So does a tail that is
 * no shard's name, so that a host is never built from what somebody typed.
 */
export function clinikoBaseUrl(apiKey: string): string {
  const shard = /-([a-z]{2}[0-9]{1,2})$/i.exec(apiKey)?.[1]?.toLowerCase() ?? 'au1';
  return `https://api.${shard}.cliniko.com/v1`;
}
