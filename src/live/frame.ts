/**
 * Encodes events for the wire. Each event is encoded once, each batch is joined once, and all clients get the same bytes:
 * as plain Server-Sent Events, in an HTTP chunk, or in WebSocket frames.
 */
import { formatCursor } from '#contract/cursor.ts';
import type { PatientChange, PatientChangeEvent } from '#contract/patient-change.ts';
import { PROTOCOL_VERSION } from '#contract/stream-event.ts';
import { type LoggedEvent, renderSnapshot, type SnapshotState } from '../events/event-queries.ts';

export interface Frame {
  seq: number;
  /** Whether it ends a run. Such a frame is never folded: it reaches every client. */
  terminal: boolean;
  /** As a Server-Sent Event. */
  sse: Buffer;
  /** The envelope as JSON, a part of `sse`. */
  json: Buffer;
}

export function encodeFrame(epoch: string, event: LoggedEvent): Frame {
  return {
    seq: event.seq,
    terminal: event.type === 'completed' || event.type === 'failed',
    ...encode(event.type, event.json, formatCursor(epoch, event.seq)),
  };
}

/** A `snapshot`: the state of an organization at its head. */
export function encodeState(state: SnapshotState): Frame {
  const { epoch, head } = state;
  return {
    seq: head,
    terminal: false,
    ...encode('snapshot', renderSnapshot(state), formatCursor(epoch, head)),
  };
}

/** A `change` of a patient. @param at `id`: where a client continues after it */
export function encodeChange(
  organizationId: number,
  change: PatientChange,
  at: { id: string; seq: number },
): Frame {
  const event: PatientChangeEvent = {
    v: PROTOCOL_VERSION,
    type: 'change',
    organization_id: organizationId,
    ...change,
  };
  return { seq: at.seq, terminal: false, ...encode('change', JSON.stringify(event), at.id) };
}

/** JSON text has no line breaks, so one `data:` line holds it. */
function encode(type: string, json: string, cursor: string): { json: Buffer; sse: Buffer } {
  const sse = Buffer.from(`id: ${cursor}\nevent: ${type}\ndata: ${json}\n\n`);
  return { sse, json: sse.subarray(sse.length - 2 - Buffer.byteLength(json), sse.length - 2) };
}

export type Join = (frames: readonly Frame[]) => Buffer;

/** Subscribers with the same frames have the same array, so they share the joined bytes. */
function shared(make: Join): Join {
  const known = new WeakMap<readonly Frame[], Buffer>();
  return (frames) => {
    const before = known.get(frames);
    if (before !== undefined) return before;
    const made = make(frames);
    known.set(frames, made);
    return made;
  };
}

export const joinSse = shared((frames) => Buffer.concat(frames.map((frame) => frame.sse)));

/** The same as one chunk of HTTP/1.1, ready for the socket. */
export const joinChunked = shared((frames) => toChunk(joinSse(frames)));

export const joinSocket = shared((frames) =>
  Buffer.concat(frames.flatMap(({ json }) => [textFrameHeader(json.length), json])),
);

export function toChunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** RFC 6455, 5.2: a whole text message in one frame; servers do not mask. */
function textFrameHeader(length: number): Buffer {
  const FINAL_TEXT = 0x81;
  if (length < 126) return Buffer.from([FINAL_TEXT, length]);
  const isShort = length < 65_536;
  const header = Buffer.alloc(isShort ? 4 : 10);
  header[0] = FINAL_TEXT;
  header[1] = isShort ? 126 : 127;
  if (isShort) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** `hello`, `ping` and `bye` concern the connection. They have no `id:`, so they never move the cursor of a client. */
export function encodeNotice(notice: { type: string }): string {
  return `event: ${notice.type}\ndata: ${JSON.stringify(notice)}\n\n`;
}
