/** A real mail server on this machine, which keeps what it takes and refuses what a test decides. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { onTestFinished, vi } from 'vitest';

interface ReceivedEmail {
  from: string;
  to: string[];
  /** By name in lower case, unfolded; a name that comes twice has both, with a line break. */
  headers: Record<string, string>;
  text: string;
  raw: string;
}

export interface MailServer {
  port: number;
  received: ReceivedEmail[];
  /** Reply codes of the next commands of that kind; the last one stays. None: accepted. */
  refuses: Partial<Record<'sender' | 'recipient' | 'message' | 'login', number[]>>;
  until(count: number): Promise<ReceivedEmail[]>;
}

export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const received: ReceivedEmail[] = [];
  const refuses: MailServer['refuses'] = {};
  const verdict = (kind: keyof MailServer['refuses']): Error | null => {
    const codes = refuses[kind] ?? [];
    const responseCode = codes.length > 1 ? codes.shift() : codes[0];
    if (responseCode === undefined || responseCode < 400) return null;
    return Object.assign(new Error('What a mail server says is not stored.'), { responseCode });
  };
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: (_login, _session, done) => {
      const error = verdict('login');
      if (error === null) done(null, { user: 'sync' });
      else done(error);
    },
    onMailFrom: (_address, _session, done) => done(verdict('sender')),
    onRcptTo: (_address, _session, done) => done(verdict('recipient')),
    async onData(stream, { envelope }, done) {
      const raw = await text(stream);
      const error = verdict('message');
      if (error === null) {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        received.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw, ...parse(raw) });
      }
      done(error);
    },
    ...options,
  });
  server.on('error', () => {}); // Of clients that disconnect, or trust no certificate.
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(() => new Promise((done) => server.close(() => done())));
  const enough = (count: number) => () => {
    if (received.length < count) throw new Error(`Only ${received.length} of ${count} emails came.`);
    return received;
  };
  return {
    port: (listener.address() as AddressInfo).port,
    received,
    refuses,
    until: (count) => vi.waitFor(enough(count), { timeout: 20_000, interval: 10 }),
  };
}

function parse(raw: string): Pick<ReceivedEmail, 'headers' | 'text'> {
  const [head = '', ...body] = raw.split('\r\n\r\n');
  const headers: Record<string, string> = {};
  for (const line of head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}\n${value}`;
  }
  const isQuoted = headers['content-transfer-encoding'] === 'quoted-printable';
  const text = body.join('\r\n\r\n').replaceAll('\r\n', '\n');
  return { headers, text: isQuoted ? unquoted(text) : text };
}

const unquoted = (text: string) =>
  Buffer.from(
    text
      .replace(/=\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
