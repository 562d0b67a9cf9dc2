/**
 * Encodes nudges as NOTIFY payloads: `e:123,124@sender` (events), `w@sender` (work), `c:17@sender` (cancelled runs), and
 * `t:7@sender` or `n:7@sender` (the self-test of a listener; `n` from a server that gets its nudges over NATS).
 *
 * The trigger on `sync_logs` sends `e:123` without a sender when another program changed a row.
 * PostgreSQL rejects payloads of 8000 bytes, so long lists are split over several payloads.
 */
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import type { Nudge } from './event-bus.ts';

export const CHANNEL = 'patient_sync';

/** 500 ids of at most 10 digits and a comma: below 5,600 bytes. */
const IDS_PER_PAYLOAD = 500;

export interface ReceivedNudge extends Nudge {
  sender: string | undefined;
  /** The number of a listener's self-test. */
  test: number | undefined;
  /** Whether the sender gets nudges over this channel only. */
  needsNotify: boolean;
}

export function encodeNudge(nudge: Nudge, sender: string): string[] {
  return [
    ...idPayloads('e', nudge.organizations, sender),
    ...idPayloads('c', nudge.cancelled ?? [], sender),
    ...(nudge.work ? [`w@${sender}`] : []),
  ];
}

function idPayloads(kind: 'e' | 'c', ids: readonly number[], sender: string): string[] {
  const payloads: string[] = [];
  for (let from = 0; from < ids.length; from += IDS_PER_PAYLOAD) {
    payloads.push(`${kind}:${ids.slice(from, from + IDS_PER_PAYLOAD).join(',')}@${sender}`);
  }
  return payloads;
}

/** @param needsNotify whether the sender gets nudges over this channel only */
export function encodeTest(number: number, sender: string, needsNotify: boolean): string {
  return `${needsNotify ? 't' : 'n'}:${number}@${sender}`;
}

/** Any program may notify on the channel: an invalid payload becomes an empty nudge. */
export function decodeNudge(payload: string): ReceivedNudge {
  const [body = '', sender] = payload.split('@', 2);
  const [kind, list = ''] = body.split(':', 2);
  const numbers = list.split(',').map(Number).filter(isId);
  return {
    organizations: kind === 'e' ? numbers : [],
    work: kind === 'w',
    cancelled: kind === 'c' ? numbers : [],
    test: kind === 't' || kind === 'n' ? numbers[0] : undefined,
    needsNotify: kind === 't',
    sender,
  };
}

/** A Postgres `integer` above zero. */
function isId(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= MAX_ROW_ID;
}
