/** `NATS_URL`: whether a nudge sent over one connection arrives on another, on the subjects that the server uses. */
import { randomBytes } from 'node:crypto';
import { type NatsAddress, NatsCredentialsError } from '../../events/nats-address.ts';
import { withTimeout } from '../../timing/with-timeout.ts';
import { type Finding, failure, ok, warning } from './finding.ts';

const ANSWER_LIMIT_MS = 3_000;

export async function checkNats(address: NatsAddress): Promise<Finding> {
  // The NATS packages take memory and time to load, so they load only when configured.
  const { openNatsLink } = await import('../../events/nats-link.ts');
  const subject = `patient_sync.doctor${randomBytes(6).toString('hex')}.work`;
  let reason = 'no message came back';
  let onReceived = (): void => {};
  const received = new Promise<boolean>((resolve) => {
    onReceived = () => resolve(true);
  });
  const open = () =>
    openNatsLink({
      address,
      onMessage: onReceived,
      onConnected: () => {},
      onAway: (lost) => {
        reason = lost;
      },
    });
  try {
    const listener = await open();
    const sender = await open();
    listener.subscribe(subject);
    await listener.flush();
    sender.publish(subject);
    const arrived = sender.isConnected && (await withTimeout(ANSWER_LIMIT_MS, received, () => false));
    await Promise.all([listener.close(), sender.close()]);
    if (arrived) return ok('nats', 'NATS carries nudges.');
  } catch (error) {
    if (error instanceof NatsCredentialsError) return failure('nats', error.message);
    throw error;
  }
  return warning(
    'nats',
    `NATS does not carry nudges (${reason}); the server uses NOTIFY until it does. Check NATS_URL, the NATS servers, and that its user may publish and subscribe to patient_sync.>`,
  );
}
