/** Parses what a client sends over a WebSocket. An invalid frame is undefined, never an exception. */
import { ClientFrame } from '#contract/client-frame.ts';
import { parseJson } from '#contract/parse-json.ts';

export function parseFrame(text: string): ClientFrame | undefined {
  const result = ClientFrame.safeParse(parseJson(text));
  return result.success ? result.data : undefined;
}

/** The `id` of an invalid frame, so that the client can match the error. */
export function idOf(text: string): string | null {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  return typeof value.id === 'string' ? value.id.slice(0, 64) : null;
}

/**
 * Only decimal texts are ids; NaN makes the frame invalid. JavaScript would also convert `0x7b`, `1e2` and spaces.
 *
 * @param text the query parameter: `*`, or ids with commas
 */
export function parseOrganizations(text: string): '*' | number[] {
  if (text === '*') return '*';
  return text.split(',').map((id) => (/^[0-9]{1,10}$/.test(id) ? Number(id) : Number.NaN));
}
