/** Parses what a client sends over a WebSocket. An invalid frame is never an exception. */
import { ClientFrame } from '#contract/client-frame.ts';
import { parseJson } from '#contract/parse-json.ts';
import { type Parsed, parseFields } from '../../http/invalid-field.ts';

export function parseFrame(text: string): Parsed<ClientFrame> {
  const parsed = parseFields(ClientFrame, parseJson(text), 'frame');
  if ('value' in parsed) return parsed;
  const { field } = parsed.invalid;
  return field === 'frame' || field === 'type' ? { invalid: { field, detail: WHAT_TO_SEND } } : parsed;
}

const WHAT_TO_SEND =
  'Send JSON text: subscribe, subscribe_changes, unsubscribe or ping, as in /asyncapi.json.';

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
