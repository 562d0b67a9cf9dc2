/** The event that every candidate sends: the same bytes, apart from the framing of its protocol. */
import { EPOCH } from './memory-log.ts';

export interface BenchEvent {
  seq: number;
  /**
   * Some 300 bytes. `t` is the time when it was due, in ms since 1970 with fractions: the load process computes the
   * delay from it.
   */
  json: string;
}

export const EVENT_NAME = 'progress';

const FILLER = 'x'.repeat(150);

export const now = () => performance.timeOrigin + performance.now();

export function eventOf(seq: number, dueAt: number): BenchEvent {
  const cursor = `${EPOCH}.${seq}`;
  const json = `{"v":1,"type":"${EVENT_NAME}","organization_id":1,"sync_log_id":1,"seq":${seq},"cursor":"${cursor}","t":${dueAt.toFixed(3)},"log":"${FILLER}"}`;
  return { seq, json };
}

export const sseOf = ({ seq, json }: BenchEvent) =>
  Buffer.from(`id: ${EPOCH}.${seq}\nevent: ${EVENT_NAME}\ndata: ${json}\n\n`);
