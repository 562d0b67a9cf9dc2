/**
 * A subscriber of nats-server over WebSocket: the part of the NATS protocol that is needed to receive messages. Lines
 * of text in binary frames after the upgrade; messages arrive as `MSG <subject> <sid> <bytes>` and the bytes.
 */

export const NATS_SUBJECT = 'events';

/** Sent once. The `PONG` to its `PING` confirms the subscription. */
export const NATS_SUBSCRIPTION = maskedFrame(
  `CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}\r\nSUB ${NATS_SUBJECT} 1\r\nPING\r\n`,
);
export const NATS_SUBSCRIBED = 'PONG\r\n';

/** RFC 6455: a client masks what it sends; a mask of zeros leaves it unchanged. */
function maskedFrame(text: string): Buffer {
  const FINAL_BINARY = 0x82;
  const MASKED = 0x80;
  const SHORT = 126;
  const bytes = Buffer.from(text);
  const header = Buffer.from([
    FINAL_BINARY,
    MASKED | SHORT,
    bytes.length >> 8,
    bytes.length & 0xff,
    0,
    0,
    0,
    0,
  ]);
  return Buffer.concat([header, bytes]);
}
