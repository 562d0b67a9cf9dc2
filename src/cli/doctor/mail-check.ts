/** Whether the mail server of `SMTP_URL` takes a connection, and the user and password. Sends nothing. */
import type { MailConfig } from '../../webhooks/send-email.ts';
import { type Finding, ok, warning } from './finding.ts';

/** A warning: syncs work without email. */
export async function checkMail(mail: MailConfig): Promise<Finding> {
  // Loaded only when configured, like everything that few servers use.
  const { mailProblem, verifyMailServer } = await import('../../webhooks/send-email.ts');
  try {
    await verifyMailServer(mail);
    return ok('email', 'The mail server of SMTP_URL accepts this server.');
  } catch (error) {
    return warning('email', `${mailProblem(error)} Notifications by email wait until it is corrected.`);
  }
}
