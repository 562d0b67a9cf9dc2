/**
 * Which IP addresses belong to the public internet.
 *
 * IPv6: only 2000::/3, less the ranges below. Everything else is refused without a list: IPv4 in any IPv6 form
 * (mapped, compatible, NAT64), unique local, link local, and ranges that IANA assigns in the future.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Within 2000::/3, and not public. */
const SPECIAL_IPV6 = [
  '2001::/23', // IETF protocol assignments: Teredo, ORCHID, benchmarking, AMT
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: carries an IPv4 address
  '2620:4f:8000::/48', // AS112
  '3ffe::/16', // 6bone, returned
  '3fff::/20', // documentation
].map((range) => ipaddr.IPv6.parseCIDR(range));

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** Public by their number, but answered by the machine's own cloud. The others lie in ranges that are refused. */
const CLOUD_METADATA = new Set(['168.63.129.16']);

/** ISATAP: the last 64 bits carry an IPv4 address of the own network. */
const isIsatap = ([, , , , fifth = 0, sixth = 0]: number[]) => sixth === 0x5efe && (fifth & 0xfdff) === 0;

/** @param address as a resolver or `new URL` writes it. @returns false for a name */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) {
    return parsed.range() === 'unicast' && !CLOUD_METADATA.has(parsed.toString());
  }
  const isSpecial = SPECIAL_IPV6.some((range) => parsed.match(range));
  return parsed.match(GLOBAL_UNICAST) && !isSpecial && !isIsatap(parsed.parts);
}

/** 127.0.0.0/8 and ::1, the latter in no other form. */
export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && ipaddr.parse(address).range() === 'loopback';
}
