/**
 * One connection to the stream of patient changes: its frames, one after the other, as the caller asks for them.
 *
 * Nothing is read ahead of the caller: a slow one slows its own stream, and costs no memory. The connection ends when the server
 * or the network ends it, when nothing arrives for too long, and when a number is missing.
 *
 * Not here: what follows the end (follow-patient-changes.ts).
 */
import { parseCursor } from '#contract/cursor.ts';
import { parseJson } from '#contract/parse-json.ts';
import { PatientChangeEvent } from '#contract/patient-change.ts';
import { Bye, Hello, Ping } from '#contract/stream-event.ts';
import { createEventParser } from './fetch-event-source.ts';
import { SILENCE_FACTOR } from './stream.ts';

const HELLO_WITHIN_MS = 10_000;

export type ChangeFrame =
  | { type: 'hello'; hello: Hello }
  | { type: 'change'; change: PatientChangeEvent; position: string }
  | { type: 'bye'; bye: Bye };

/** A frame that this version of the client cannot read. */
class UnreadableFrameError extends Error {
  override readonly name = 'UnreadableFrameError';
}

/** @param position where the stream begins; a number that does not follow it ends the connection */
export async function* framesOf(
  body: ReadableStream<Uint8Array>,
  position: string,
): AsyncGenerator<ChangeFrame> {
  let last = position;
  let limitMs = HELLO_WITHIN_MS;
  for await (const event of eventsOf(body, () => limitMs)) {
    if (event.event === 'ping' && isBeyond(parse(Ping, event.data).cursor, last)) return;
    const frame = toFrame(event);
    if (frame?.type === 'change') {
      if (isGap(last, frame.position)) return;
      last = frame.position;
    }
    if (frame?.type === 'hello') limitMs = frame.hello.heartbeat_ms * SILENCE_FACTOR;
    if (frame !== undefined) yield frame;
    if (frame?.type === 'bye') return;
  }
}

function toFrame({ event, data, id }: SentEvent): ChangeFrame | undefined {
  if (event === 'hello') return { type: 'hello', hello: parse(Hello, data) };
  if (event === 'bye') return { type: 'bye', bye: parse(Bye, data) };
  if (event !== 'change' || id === undefined) return undefined;
  return { type: 'change', change: parse(PatientChangeEvent, data), position: id };
}

function parse<Frame>(
  schema: { safeParse(data: unknown): { success: true; data: Frame } | { success: false } },
  text: string,
): Frame {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new UnreadableFrameError(
    'The server sent a change that this version of patient-sync-client cannot read. Update the package.',
  );
}

/** A position within the stored patients is no cursor, and has no number. */
function isGap(last: string, next: string): boolean {
  const [before, now] = [parseCursor(last), parseCursor(next)];
  return before !== undefined && now !== undefined && now.seq !== before.seq + 1n;
}

function isBeyond(sent: string, last: string): boolean {
  const [before, now] = [parseCursor(last), parseCursor(sent)];
  return before !== undefined && now !== undefined && now.seq > before.seq;
}

interface SentEvent {
  event?: string | undefined;
  data: string;
  id?: string | undefined;
}

/** @param limitMs the longest silence; after it the connection counts as dead */
async function* eventsOf(body: ReadableStream<Uint8Array>, limitMs: () => number): AsyncGenerator<SentEvent> {
  const events: SentEvent[] = [];
  const parser = createEventParser((event) => events.push(event));
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const bytes = await readWithin(reader, limitMs());
      if (bytes === undefined) return;
      parser.feed(decoder.decode(bytes, { stream: true }));
      yield* events.splice(0);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @returns undefined at the end of the stream, whatever ended it */
async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limitMs: number,
): Promise<Uint8Array | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  const read = reader.read().then(
    ({ value }) => value,
    () => undefined,
  );
  try {
    return await Promise.race([read, silence]);
  } finally {
    clearTimeout(timer);
  }
}
