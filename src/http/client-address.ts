/**
 * The address of a client: of its connection, or behind a trusted proxy the one that `X-Forwarded-For` names.
 *
 * The header is read from its end, where our own proxies append, up to the first address that is not a proxy: entries
 * before that come from the client, which may have forged them.
 */
import type { IncomingMessage } from 'node:http';
import { type BlockList, isIP, type Socket } from 'node:net';

export function clientAddress(request: IncomingMessage, trusted: BlockList): string {
  const peer = peerAddress(request.socket);
  if (!isTrusted(peer, trusted)) return peer;
  const named = String(request.headers['x-forwarded-for'] ?? '').split(',');
  for (const text of named.reverse()) {
    const address = unmapped(withoutPort(text.trim()));
    if (isIP(address) === 0) return peer;
    if (!isTrusted(address, trusted)) return address;
  }
  return peer;
}

/** Some proxies, as those of Azure, append the port of the client: `203.0.113.7:52100`, `[2001:db8::7]:52100`. */
function withoutPort(text: string): string {
  const [, bracketed, plain] = /^(?:\[(.+)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  return bracketed ?? plain ?? text;
}

/** Empty once the connection is closed. */
export function peerAddress(socket: Socket): string {
  return unmapped(socket.remoteAddress ?? '');
}

export function isTrusted(address: string, trusted: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && trusted.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** The addresses that one client may own: an IPv4 address, or the /64 network of an IPv6 address. */
export function addressShare(address: string): string {
  if (isIP(address) !== 6) return address;
  const [left = '', right] = address.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  return [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4).join(':');
}

/** An IPv4-mapped IPv6 address, as a dual-stack socket reports it. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
