/** Whose request it is, behind proxies that are trusted, and how many connections an address may have. */
import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { BlockList } from 'node:net';
import { expect, test, vi } from 'vitest';
import { clientAddress } from '../../src/http/client-address.ts';
import { limitConnectionsPerAddress } from '../../src/http/connection-share.ts';

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

test('an address, or a network of IPv6, has a share of the connections; a trusted proxy has no limit', () => {
  const server = new EventEmitter();
  const onRefused = vi.fn();
  limitConnectionsPerAddress(server as Server, { perAddress: 2, trustedProxies: trusted, onRefused });
  const connect = (remoteAddress: string) => {
    const socket = Object.assign(new EventEmitter(), { remoteAddress, destroy: vi.fn() });
    server.emit('connection', socket);
    return { close: () => socket.emit('close'), isRefused: socket.destroy.mock.calls.length > 0 };
  };
  const first = connect('2001:db8::1');
  expect([first, connect('2001:db8::2'), connect('2001:db8::3')].map(({ isRefused }) => isRefused)).toEqual([
    false,
    false,
    true,
  ]);
  expect(connect('2001:db8:0:1::1').isRefused).toBe(false);
  first.close();
  expect([connect('2001:db8::4'), connect('2001:db8::5')].map(({ isRefused }) => isRefused)).toEqual([
    false,
    true,
  ]);
  for (let n = 0; n < 5; n++) expect(connect('::ffff:10.0.0.1').isRefused).toBe(false);
  server.emit('drop');
  expect(onRefused.mock.calls).toEqual([['address'], ['address'], ['server']]);
});
