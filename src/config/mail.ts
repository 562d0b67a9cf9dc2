/** The mail server that sends notifications. */
import { z } from 'zod';
import { isLoopbackAddress } from '../access/same-origin.ts';
import type { MailConfig } from '../webhooks/send-email.ts';
import { ConfigError, type Read, type Rule } from './rules.ts';

/** Of submission (RFC 6409, RFC 8314). */
const PORTS: Record<string, number> = { 'smtp:': 587, 'smtps:': 465 };

type Server = Omit<MailConfig, 'from'>;

const mailServer: Rule<Server> = {
  schema: z.string().transform((value, context): Server => {
    const server = URL.canParse(value) ? serverOf(new URL(value)) : undefined;
    if (server !== undefined) return server;
    context.addIssue('not a mail server');
    return z.NEVER;
  }),
  mayBe:
    'the address of a mail server, such as smtp://user:password@mail.example.com:587 or smtps://…:465, without a path and a query',
};

function serverOf({
  protocol,
  hostname,
  port,
  username,
  password,
  pathname,
  search,
  hash,
}: URL): Server | undefined {
  const defaultPort = PORTS[protocol];
  const hasMore = search !== '' || hash !== '' || !['', '/'].includes(pathname);
  if (defaultPort === undefined || hostname === '' || hasMore) return undefined;
  const [user, pass] = [decoded(username), decoded(password)];
  if (user === undefined || pass === undefined) return undefined;
  const auth = user === '' ? undefined : { user, pass };
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? defaultPort : Number(port),
    isSecure: protocol === 'smtps:',
    requiresTls: auth !== undefined && !isLoopbackAddress(hostname),
    auth,
  };
}

/** @returns undefined when a `%` is not one of an escape */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** `sync@example.com`, or `Patient Sync <sync@example.com>`. */
const sender: Rule<MailConfig['from']> = {
  schema: z
    .string()
    .transform((value) => {
      const [, name = '', address = value] = /^([^<>"\p{Cc}]{0,100}?)\s*<([^<>]*)>$/u.exec(value) ?? [];
      return { name, address };
    })
    .pipe(z.object({ name: z.string(), address: z.email().max(254) })),
  mayBe: 'an email address, such as sync@example.com or Patient Sync <sync@example.com>',
};

export function readMail(read: Read): MailConfig | undefined {
  const server = read('SMTP_URL', mailServer, undefined);
  const from = read('SMTP_FROM', sender, undefined);
  if (server === undefined && from === undefined) return undefined;
  if (server === undefined || from === undefined) {
    const missing = server === undefined ? 'SMTP_URL' : 'SMTP_FROM';
    throw new ConfigError(`${missing} must be set too: SMTP_URL and SMTP_FROM go together.`);
  }
  return { ...server, from };
}
