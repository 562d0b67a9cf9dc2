/** Reads Server-Sent Events as bytes from a socket, so that a test sees exactly what was sent. */
import { onTestFinished, vi } from 'vitest';
import { Hello } from '#contract/stream-event.ts';
import { parseBlock, type SentEvent } from './sent-event.ts';

export interface OpenStream {
  response: Response;
  /** All events so far, in order. */
  events: SentEvent[];
  /** Resolves with all events when `enough` returns true. */
  until(enough: (events: SentEvent[]) => boolean): Promise<SentEvent[]>;
  /** The text so far. */
  text(): string;
  /** Resolves when the server has closed the stream. */
  ended: Promise<void>;
  close(): void;
}

const PATIENCE = { timeout: 20_000, interval: 20 };

export async function openStream(url: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const response = await fetch(url, { headers, signal: stop.signal });
  const events: SentEvent[] = [];
  let text = '';
  let parsed = 0;
  const read = async (): Promise<void> => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      for (let end = text.indexOf('\n\n', parsed); end >= 0; end = text.indexOf('\n\n', parsed)) {
        const event = parseBlock(text.slice(parsed, end));
        if (event !== undefined) events.push(event);
        parsed = end + 2;
      }
    }
  };
  const ended = read().catch(() => {});
  return {
    response,
    events,
    text: () => text,
    ended,
    close: () => stop.abort(),
    async until(enough) {
      await vi.waitFor(() => {
        if (!enough(events)) throw new Error(`Not yet after ${events.length} events: ${text.slice(-500)}`);
      }, PATIENCE);
      return events;
    },
  };
}

/** The `hello` with which the stream has begun. */
export const helloOf = (sent: readonly SentEvent[]) => Hello.parse(JSON.parse(sent[0]?.data ?? ''));

/** The events of the log, without snapshots. */
export const changesOf = (sent: readonly SentEvent[]) =>
  sent.filter(({ id, event }) => id !== undefined && event !== 'snapshot');

export const seqsOf = (sent: readonly SentEvent[]) =>
  changesOf(sent).map(({ id }) => Number(id?.split('.')[1]));

export const hasEnded = (events: SentEvent[]) =>
  events.some(({ event }) => event === 'completed' || event === 'failed');

/** The answer to a poll that contains only this log, or none. */
export function logListText(organizationId: number, log?: string): string {
  const tail = `"organization_id":${organizationId},"source_system":"cliniko"`;
  return `{"logs":[${log ?? ''}],${tail},"total_logs":${log === undefined ? 0 : 1},"has_more":false}`;
}
