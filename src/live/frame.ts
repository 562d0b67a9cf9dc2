/** Events as they go over the wire. Each is encoded once, and the same bytes go to every client. */
import { formatCursor } from '../contract/cursor.ts';
import { type LoggedEvent, type RunAt, renderSnapshot } from '../events/log.ts';

export interface Frame {
  seq: number;
  /** Ends a run: it reaches every client, also one for which others are folded. */
  terminal: boolean;
  /** The envelope as JSON: a WebSocket message. */
  json: Buffer;
  /** The same as a Server-Sent Event. */
  sse: Buffer;
}

export function encodeFrame(epoch: string, event: LoggedEvent): Frame {
  return {
    seq: event.seq,
    terminal: event.type === 'completed' || event.type === 'failed',
    ...encode(event.type, event.json, formatCursor(epoch, event.seq)),
  };
}

/** A `snapshot`: where an organization stands at `seq`. */
export function encodeState(
  epoch: string,
  state: { organizationId: number; seq: number; at: string; latest: RunAt | null },
): Frame {
  const json = renderSnapshot(epoch, state);
  return { seq: state.seq, terminal: false, ...encode('snapshot', json, formatCursor(epoch, state.seq)) };
}

const joined = new WeakMap<readonly Frame[], Buffer>();

/** Several events in one write. Watches that take the same frames share the same bytes. */
export function joinSse(frames: readonly Frame[]): Buffer {
  const [first] = frames;
  if (frames.length === 1 && first !== undefined) return first.sse;
  const known = joined.get(frames) ?? Buffer.concat(frames.map((frame) => frame.sse));
  joined.set(frames, known);
  return known;
}

/** JSON text has no line breaks, so one `data:` line holds it. */
function encode(type: string, json: string, cursor: string): { json: Buffer; sse: Buffer } {
  return { json: Buffer.from(json), sse: Buffer.from(`id: ${cursor}\nevent: ${type}\ndata: ${json}\n\n`) };
}

/** `hello`, `ping` and `bye` are about the connection and have no `id:`, so they never move a client's cursor. */
export function encodeNotice(notice: { type: string }): string {
  return `event: ${notice.type}\ndata: ${JSON.stringify(notice)}\n\n`;
}
