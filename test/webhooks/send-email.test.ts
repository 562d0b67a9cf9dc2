/** Emails to a real mail server: what a reader gets, and what each refusal means. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEmailSender, type MailConfig } from '../../src/webhooks/send-email.ts';
import { type MailServer, startMailServer } from './support/mail-server.ts';

const BODY = JSON.stringify({
  subject: 'Clinic 1: sync failed',
  text: 'Clinic 1: sync failed\nhttps://sync.example.com/\n',
});
const configOf = (port: number, more: Partial<MailConfig> = {}): MailConfig => ({
  host: '127.0.0.1',
  port,
  isSecure: false,
  requiresTls: false,
  auth: undefined,
  from: { name: 'Patient Sync', address: 'sync@example.com' },
  ...more,
});
const never = new AbortController().signal;
const send = (port: number, more: Partial<MailConfig> = {}, to = 'ops@example.com', body = BODY) =>
  createEmailSender(configOf(port, more))(to, body, 'msg_1', never);
const outcome = async ({ port }: MailServer, more?: Partial<MailConfig>) => {
  const { status, error, isFinal = false } = await send(port, more);
  return [status, isFinal, error];
};

describe('an email', () => {
  test('is plain text from SMTP_FROM to one reader, with an id that stays', async () => {
    const server = await startMailServer();
    expect(await send(server.port)).toEqual({ status: 250, error: null, retryAfter: null });
    const [email] = await server.until(1);
    expect(email).toMatchObject({ from: 'sync@example.com', to: ['ops@example.com'] });
    expect(email?.headers).toMatchObject({
      from: 'Patient Sync <sync@example.com>',
      to: 'ops@example.com',
      subject: 'Clinic 1: sync failed',
      'message-id': '<msg_1@example.com>',
      'auto-submitted': 'auto-generated',
    });
    expect(email?.text).toBe('Clinic 1: sync failed\nhttps://sync.example.com/\n');
  });

  test('takes no header and no second reader from a text', async () => {
    const server = await startMailServer();
    const subject = 'Clinic\r\nBcc: victim@example.com\r\n\r\nA body of its own';
    const text = '.\r\nRCPT TO:<victim@example.com>\r\n.\r\n';
    await send(server.port, {}, 'ops@example.com', JSON.stringify({ subject, text }));
    const [email] = await server.until(1);
    expect(email?.to).toEqual(['ops@example.com']);
    expect(email?.headers.bcc).toBeUndefined();
    expect(email?.headers.subject).toBe('Clinic Bcc: victim@example.com A body of its own');
    expect(email?.text).toContain('RCPT TO:<victim@example.com>');
    expect(server.received).toHaveLength(1);
  });
});

describe('a mail server', () => {
  test('that refuses the recipient or the message ends the delivery, with the reason', async () => {
    const server = await startMailServer();
    server.refuses.recipient = [550];
    expect(await outcome(server)).toEqual([
      550,
      true,
      expect.stringContaining('refused the recipient (550)'),
    ]);
    server.refuses.recipient = [];
    server.refuses.message = [554];
    expect(await outcome(server)).toEqual([554, true, expect.stringContaining('refused the message (554)')]);
  });

  test('that asks for patience, or whose settings are wrong, is tried again', async () => {
    const server = await startMailServer();
    server.refuses.recipient = [451];
    expect(await outcome(server)).toEqual([451, false, expect.stringContaining('try again later (451)')]);
    server.refuses.sender = [553];
    expect(await outcome(server)).toEqual([553, false, expect.stringContaining('correct SMTP_FROM')]);
    server.refuses.sender = [];
    server.refuses.login = [535];
    const auth = { user: 'sync', pass: 'wrong' };
    expect(await outcome(server, { auth })).toEqual([
      535,
      false,
      expect.stringContaining('password of SMTP_URL (535)'),
    ]);
    expect(server.received).toEqual([]);
  });

  test('without the TLS that a password needs gets neither the password nor the message', async () => {
    const server = await startMailServer();
    const auth = { user: 'sync', pass: 'secret' };
    expect(await outcome(server, { auth, requiresTls: true })).toEqual([
      expect.anything(),
      false,
      expect.stringMatching(/^No TLS with the mail server/),
    ]);
    // Its certificate is of no authority.
    const untrusted = await startMailServer({ disabledCommands: [] });
    expect(await outcome(untrusted, { auth })).toEqual([null, false, expect.stringMatching(/^No TLS/)]);
    expect([...server.received, ...untrusted.received]).toEqual([]);
  });

  test('that is gone, or whose attempt is stopped, is not held against the reader', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    onTestFinished(() => void silent.close());
    const stop = new AbortController();
    const sending = createEmailSender(configOf(port))('ops@example.com', BODY, 'msg_1', stop.signal);
    stop.abort(new Error('This server is stopping.'));
    await expect(sending).rejects.toThrow('This server is stopping.');
    expect(await send(1)).toEqual({
      status: null,
      error: expect.stringMatching(/^No answer of the mail server/),
      retryAfter: null,
    });
  });
});
