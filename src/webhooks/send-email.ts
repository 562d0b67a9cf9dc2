/**
 * Emails through the mail server of `SMTP_URL`. Loaded only when it is set: most servers send none.
 *
 * One connection for each email: they are rare, and a kept connection would hide that the mail server is gone. The outcome says
 * which party refused; no text of the mail server is stored, which may repeat addresses.
 */
import { createTransport } from 'nodemailer';
import type { SMTPTransportOptions } from 'nodemailer/lib/smtp-transport';
import { limitTime } from '../timing/time-limit.ts';
import { EmailBody } from './message-bodies.ts';
import type { Attempt } from './send.ts';

const LIMIT_MS = 15_000;

export interface MailConfig {
  host: string;
  port: number;
  /** TLS from the first byte (`smtps:`); else with STARTTLS, when the server offers it. */
  isSecure: boolean;
  /** Without TLS nothing is sent: a password must not be readable on its way. */
  requiresTls: boolean;
  auth: { user: string; pass: string } | undefined;
  from: { name: string; address: string };
}

/**
 * @param body of message-bodies.ts
 * @param messageId the same at each attempt, so that a mail program shows a message once
 * @throws the signal's reason when it is aborted; everything else is an attempt that failed
 */
export type SendEmail = (
  to: string,
  body: string,
  messageId: string,
  signal: AbortSignal,
) => Promise<Attempt>;

export function createEmailSender(config: MailConfig): SendEmail {
  return async (to, body, messageId, signal) => {
    const { subject, text } = EmailBody.parse(JSON.parse(body));
    const limit = limitTime(LIMIT_MS, signal);
    try {
      await createTransport(transportOptions(config)).sendMail({
        from: config.from,
        // As an object: no part of an address is read as a second one.
        to: { name: '', address: to },
        envelope: { from: config.from.address, to: [to] },
        subject: oneLine(subject),
        text,
        messageId: `<${messageId}@${config.from.address.split('@').at(-1)}>`,
        // So that no vacation message answers (RFC 3834).
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal: limit.signal,
      });
      return { status: 250, error: null, retryAfter: null };
    } catch (error) {
      signal.throwIfAborted();
      return failedAttempt(error);
    } finally {
      limit.clear();
    }
  };
}

/** @throws an error that `mailProblem` explains */
export async function verifyMailServer(config: MailConfig): Promise<void> {
  await createTransport(transportOptions(config)).verify();
}

function transportOptions({ host, port, isSecure, requiresTls, auth }: MailConfig): SMTPTransportOptions {
  return {
    host,
    port,
    secure: isSecure,
    requireTLS: requiresTls && !isSecure,
    ...(auth && { auth }),
    connectionTimeout: LIMIT_MS,
    greetingTimeout: LIMIT_MS,
    socketTimeout: LIMIT_MS,
  };
}

/** The library encodes a header too; a name that another program wrote may hold line breaks. */
const oneLine = (text: string) => text.replace(/\p{Cc}+/gu, ' ');

function failedAttempt(error: unknown): Attempt {
  const { code, responseCode, command } = detailsOf(error);
  const isRefused = responseCode !== undefined && responseCode >= 500;
  const isFinal = isRefused && (code === 'EMESSAGE' || (code === 'EENVELOPE' && command === 'RCPT TO'));
  return {
    status: responseCode ?? null,
    error: mailProblem(error),
    retryAfter: null,
    ...(isFinal && { isFinal }),
  };
}

/** Why the mail server took no message, in a text of this server that says what to do. */
export function mailProblem(error: unknown): string {
  const { code, originalCode, responseCode, command } = detailsOf(error);
  const reply = responseCode === undefined ? '' : ` (${responseCode})`;
  if (code === 'EAUTH' || code === 'ENOAUTH')
    return `The mail server refused the user and password of SMTP_URL${reply}.`;
  if (code === 'ETLS' || /CERT|^ERR_TLS/.test(String(originalCode)))
    return 'No TLS with the mail server: it offers none, or its certificate is not valid for the host of SMTP_URL.';
  if (responseCode !== undefined && responseCode < 500)
    return `The mail server asks to try again later${reply}.`;
  if (code === 'EENVELOPE' && command === 'RCPT TO')
    return `The mail server refused the recipient${reply}: correct the address.`;
  if (code === 'EENVELOPE') return `The mail server refused the sender${reply}: correct SMTP_FROM.`;
  if (code === 'EMESSAGE') return `The mail server refused the message${reply}.`;
  return 'No answer of the mail server: check the host and the port of SMTP_URL.';
}

interface Details {
  code?: unknown;
  /** Of Node, where the library replaced it. */
  originalCode?: unknown;
  responseCode?: number;
  command?: unknown;
}

function detailsOf(error: unknown): Details {
  if (!(error instanceof Error)) return {};
  const { code, originalCode, responseCode, command } = error as Error & Record<keyof Details, unknown>;
  return { code, originalCode, command, ...(typeof responseCode === 'number' && { responseCode }) };
}
