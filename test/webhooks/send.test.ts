/** One attempt: its time limit, and the delay that a receiver asks for. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readRetryAfter, sendWebhook } from '../../src/webhooks/send.ts';
import { changeTimers } from '../support/change-timers.ts';
import { startReceiver } from './support/receiver.ts';

test('an attempt ends after 15 s without an answer', async () => {
  const receiver = await startReceiver('hang');
  changeTimers({ 15000: 200 });
  const message = { id: 'msg_1', timestamp: 1_796_000_000, body: '{}' };
  const options = { rules: { allowLoopback: true, ports: [443] }, signal: new AbortController().signal };
  expect(await sendWebhook(receiver.url, 'whsec_c2VjcmV0', message, options)).toEqual({
    status: null,
    error: 'No answer within 15 s.',
    retryAfter: null,
  });
});

test('an attempt ends when the receiver switches protocols instead of answering', async () => {
  const receiver = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n'),
    );
  });
  onTestFinished(() => void receiver.close());
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;
  const message = { id: 'msg_1', timestamp: 1_796_000_000, body: '{}' };
  const options = { rules: { allowLoopback: true, ports: [443] }, signal: new AbortController().signal };
  expect(await sendWebhook(url, 'whsec_c2VjcmV0', message, options)).toEqual({
    status: null,
    error: 'No connection: the host has no public address, or does not answer.',
    retryAfter: null,
  });
});

test('Retry-After is read in every form, and nothing else is a delay', () => {
  const now = Date.parse('2026-11-29T02:00:00Z');
  expect(readRetryAfter('30', now)).toBe(30);
  expect(readRetryAfter('0.65', now)).toBe(1);
  expect(readRetryAfter('Sun, 29 Nov 2026 02:01:30 GMT', now)).toBe(90);
  for (const none of ['', '0', '-5', 'soon', 'Infinity', '1e9', 'Sun, 29 Nov 2026 01:00:00 GMT', undefined])
    expect(readRetryAfter(none, now)).toBeNull();
});
