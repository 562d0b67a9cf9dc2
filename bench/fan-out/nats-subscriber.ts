/**
 * A subscriber of nats-server over WebSocket: as much of the NATS protocol as it takes to be sent messages. Lines of text
 * in binary frames, once the upgrade is through; messages come as `MSG <subject> <sid> <bytes>` and the bytes.
 */

export const NATS_SUBJECT = 'events';

/** Said once. The `PONG` to its `PING` tells that the subscription stands. */
export const NATS_SUBSCRIPTION = maskedFrame(
  `CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}\r\nSUB ${NATS_SUBJECT} 1\r\nPING\r\n`,
);
export const NATS_SUBSCRIBED = 'PONG\r\n';

/** RFC 6455: what a client sends is masked; a mask of zeros leaves it as it is. */
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
