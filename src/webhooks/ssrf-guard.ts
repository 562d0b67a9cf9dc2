/**
 * Webhooks may go only to public addresses, never into a private network (SSRF).
 *
 * A name is resolved when a message is sent, not when the URL is registered: its addresses may change in between, on
 * purpose (DNS rebinding). The check is the lookup of the socket itself, and the socket connects to the addresses that
 * passed. All addresses of the name have to pass.
 *
 * Every refusal has the same text, whatever its reason, so that no client learns which internal names exist.
 */
import { Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { isLoopback, isPublicAddress } from './public-address.ts';

/** The URL leads, or would lead, into a private network. The message names no address: clients see it. */
class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
}

export interface SsrfRules {
  /** For development: http and https to this machine on any port, beside the public internet. */
  allowLoopback: boolean;
  /** Of the public internet. */
  ports: readonly number[];
}

/** @returns its IPv4 and IPv6 addresses. @throws when the name does not resolve */
export type ResolveName = (hostname: string) => Promise<string[]>;

/** @returns undefined when a webhook may be registered for it, else what it has to be: completes `"url" …` */
export function urlProblem(text: string, rules: SsrfRules): string | undefined {
  if (isAllowedUrl(text, rules)) return undefined;
  return `must be the https address of a public host, such as https://example.com/hooks, on port ${rules.ports.join(' or ')}, without a user name, a password or a fragment`;
}

function isAllowedUrl(text: string, rules: SsrfRules): boolean {
  if (UNPRINTABLE.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '') return false;
  const host = bare(url.hostname);
  const isLocal = host === 'localhost' || isLoopback(host);
  if (isLocal) return rules.allowLoopback && (url.protocol === 'http:' || url.protocol === 'https:');
  if (url.protocol !== 'https:' || !isAllowedPort(url, rules)) return false;
  return isIP(host) === 0 ? isPublicName(host) : isPublicAddress(host);
}

/** A URL parser drops or escapes them: what is stored would not be what was checked. */
const UNPRINTABLE = /[\s\p{C}]/u;

/** Names that no public name server knows. The list may be incomplete: the addresses are checked at each delivery. */
function isPublicName(host: string): boolean {
  return host.includes('.') && !/\.(?:localhost|local|internal|home\.arpa)$/.test(host);
}

/** @throws ForbiddenAddressError for a port, or for a host that is an address; `guardedLookup` checks names */
export function requireAllowedUrl(url: URL, rules: SsrfRules): void {
  const host = bare(url.hostname);
  if (rules.allowLoopback && (host === 'localhost' || isLoopback(host))) return;
  if (!isAllowedPort(url, rules)) throw forbidden();
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw forbidden();
}

function isAllowedPort({ port, protocol }: URL, { ports }: SsrfRules): boolean {
  return ports.includes(port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));
}

/** For `net.connect`. */
export function guardedLookup(rules: SsrfRules, resolve: ResolveName = resolveName): LookupFunction {
  return (hostname, options, done) => {
    // The machine's own name servers and files resolve `localhost`; a public resolver may not.
    const isLocal = rules.allowLoopback && hostname === 'localhost';
    const found = isLocal ? Promise.resolve(['127.0.0.1', '::1']) : resolve(hostname);
    found.then(
      (addresses) => {
        const [first] = addresses;
        const isAllowed = (address: string) =>
          isPublicAddress(address) || (rules.allowLoopback && isLoopback(address));
        if (first === undefined || !addresses.every(isAllowed)) return done(forbidden(), '', 0);
        if (!options.all) return done(null, first, isIP(first));
        done(
          null,
          addresses.map((address) => ({ address, family: isIP(address) })),
        );
      },
      (error: NodeJS.ErrnoException) => done(error, '', 0),
    );
  };
}

const DNS_TRY_MS = 2_000;
const DNS_TRIES = 2;

/**
 * Not `dns.lookup`: it holds one of four threads of the whole process for as long as a name server does not answer, and
 * the owner of a webhook may own that name server. A resolver for each name obeys changes of /etc/resolv.conf.
 */
async function resolveName(hostname: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: DNS_TRY_MS, tries: DNS_TRIES });
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const [failed] = answers.filter((answer) => answer.status === 'rejected');
  if (addresses.length === 0 && failed !== undefined) throw failed.reason;
  return addresses;
}

/** What a token below `admin` sees of a URL: the path of many receivers is a secret. */
export function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '';
}

/** IPv6 in a URL stands in brackets; a trailing dot ends a full name. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$|\.$/g, '');
}

function forbidden(): ForbiddenAddressError {
  return new ForbiddenAddressError('The address leads into a private network.');
}
