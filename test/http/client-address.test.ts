/** Whose request it is, behind proxies that are trusted. */
import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import { expect, test } from 'vitest';
import { clientAddress } from '../../src/http/client-address.ts';

const trusted = new BlockList();
trusted.addSubnet('10.0.0.0', 8, 'ipv4');

function request(forwardedFor: string, remoteAddress = '10.0.0.1') {
  return {
    socket: { remoteAddress },
    headers: { 'x-forwarded-for': forwardedFor },
  } as unknown as IncomingMessage;
}

test.for([
  ['203.0.113.7', '203.0.113.7'],
  ['192.0.2.66, 203.0.113.7, 10.0.0.9', '203.0.113.7'],
  ['203.0.113.7:52100', '203.0.113.7'],
  ['203.0.113.7:52100, 10.0.0.9:443', '203.0.113.7'],
  ['2001:db8::7', '2001:db8::7'],
  ['[2001:db8::7]:52100', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['203.0.113.7, not an address', '10.0.0.1'],
  ['203.0.113.7:52100:1', '10.0.0.1'],
  ['', '10.0.0.1'],
] as const)('"%s" behind a trusted proxy is %s', ([forwardedFor, client]) => {
  expect(clientAddress(request(forwardedFor), trusted)).toBe(client);
});

test('the header of a client that is no proxy does not count', () => {
  expect(clientAddress(request('203.0.113.7', '198.51.100.1'), trusted)).toBe('198.51.100.1');
});
