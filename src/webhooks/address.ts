/**
 * Where a webhook may go: out into the internet, never into a network of ours (SSRF).
 *
 * A name is checked when it is connected to, not when it is registered: what it resolves to may change in between, on
 * purpose (DNS rebinding). So the check is the socket's own lookup, and the socket takes the very addresses that were
 * checked. Every address of the name has to pass.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The endpoint leads, or would lead, into a private network. The message names no address: it goes to clients. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
}

export interface AddressRules {
  /** For development: http and https to this machine, and nothing else beside the public internet. */
  allowLoopback: boolean;
}

/** @returns undefined when a webhook may be registered for it, else what is wrong with it: completes `"url" …` */
export function urlProblem(text: string, rules: AddressRules): string | undefined {
  if (!URL.canParse(text)) return 'must be an address, such as https://example.com/hooks';
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== '' || password !== '') return 'must not hold a name or a password';
  if (hash !== '') return 'must not have a fragment';
  const loopback = hostname === 'localhost' || rangeOf(bare(hostname)) === 'loopback';
  if (loopback && rules.allowLoopback && (protocol === 'http:' || protocol === 'https:')) return undefined;
  if (protocol !== 'https:') return 'must begin with https://';
  const range = rangeOf(bare(hostname));
  if (loopback || (range !== undefined && range !== 'unicast')) return 'must be an address in the internet';
  return undefined;
}

/** @throws ForbiddenAddressError for an address that is written as one; names are checked by `guardedLookup` */
export function requireAllowedHost(hostname: string, rules: AddressRules): void {
  const range = rangeOf(bare(hostname));
  if (range !== undefined && !isAllowed(range, rules)) throw forbidden();
}

/** For `net.connect`. @param resolve the system's `dns.lookup` */
export function guardedLookup(
  rules: AddressRules,
  resolve: typeof systemLookup = systemLookup,
): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { family: options.family, hints: options.hints, all: true }, (error, found) => {
      const addresses: LookupAddress[] = found ?? [];
      const [first] = addresses;
      if (error !== null) return done(error, '', 0);
      const allowed = addresses.every(({ address }) => isAllowed(rangeOf(address), rules));
      if (first === undefined || !allowed) return done(forbidden(), '', 0);
      if (options.all) return done(null, addresses);
      done(null, first.address, first.family);
    });
  };
}

function isAllowed(range: string | undefined, { allowLoopback }: AddressRules): boolean {
  return range === 'unicast' || (allowLoopback && range === 'loopback');
}

/**
 * What IANA registered an address for; `unicast` is the internet. An IPv4 address within an IPv6 one counts as itself.
 *
 * @returns undefined when it is no address but a name
 */
function rangeOf(address: string): string | undefined {
  return ipaddr.isValid(address) ? ipaddr.process(address).range() : undefined;
}

/** IPv6 in a URL stands in brackets; a trailing dot ends a full name. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$|\.$/g, '');
}

function forbidden(): ForbiddenAddressError {
  return new ForbiddenAddressError('The address leads into a private network.');
}
