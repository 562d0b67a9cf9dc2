/** Signatures of the Standard Webhooks specification: `v1,` and HMAC-SHA256 over `<id>.<timestamp>.<body>`, in base64. */
import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

export interface SignedMessage {
  id: string;
  /** Seconds since 1970, of this attempt: receivers refuse what is too old. */
  timestamp: number;
  body: string;
}

export function signatureHeaders(secret: string, { id, timestamp, body }: SignedMessage) {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  };
}
