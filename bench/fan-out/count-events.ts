/** Counts events in byte streams, whatever the framing, and measures their delay. */
import { now } from './events.ts';

const EVENT = Buffer.from('"seq":');
const DUE_AT = Buffer.from('"t":');
/** The last bytes of a read may contain this much of the counted marker. */
const OVERLAP = EVENT.length - 1;
const seam = Buffer.alloc(2 * OVERLAP);

export interface EventCount {
  begin(withDelays: boolean): void;
  /**
   * Resolves when this many events have arrived since `begin`. @returns when the last one arrived, in ms since 1970
   */
  reach(events: number): Promise<number>;
  /** Milliseconds from the time when events were due to the time when clients had read them. */
  delays(): { p50: number; p99: number };
  /** Reads one stream, chunk by chunk. */
  reader(): (bytes: Buffer) => void;
}

export function createEventCount(): EventCount {
  let received = 0;
  let lastAt = 0;
  let ages: number[] | undefined;
  let wanted = Number.POSITIVE_INFINITY;
  let onWanted = (): void => {};

  const countIn = (bytes: Buffer): void => {
    for (let at = bytes.indexOf(EVENT); at >= 0; at = bytes.indexOf(EVENT, at + EVENT.length)) received += 1;
  };
  const takeAge = (bytes: Buffer): void => {
    const at = bytes.lastIndexOf(DUE_AT) + DUE_AT.length;
    if (at < DUE_AT.length) return;
    const dueAt = Number.parseFloat(bytes.toString('latin1', at, at + 20));
    if (dueAt > 0) ages?.push(lastAt - dueAt);
  };
  return {
    begin(withDelays) {
      received = 0;
      ages = withDelays ? [] : undefined;
    },
    reach(events) {
      wanted = events;
      return new Promise((resolve) => {
        onWanted = () => {
          wanted = Number.POSITIVE_INFINITY;
          resolve(lastAt);
        };
        if (received >= wanted) onWanted();
      });
    },
    delays() {
      const sorted = (ages ?? []).sort((one, other) => one - other);
      const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
      return { p50: at(0.5), p99: at(0.99) };
    },
    reader() {
      const tail = Buffer.alloc(OVERLAP);
      return (bytes) => {
        lastAt = now();
        tail.copy(seam);
        const length = bytes.copy(seam, OVERLAP, 0, OVERLAP);
        countIn(seam.subarray(0, OVERLAP + length));
        countIn(bytes);
        if (bytes.length < OVERLAP) seam.copy(tail, 0, length, length + OVERLAP);
        else bytes.copy(tail, 0, bytes.length - OVERLAP);
        if (ages !== undefined) takeAge(bytes);
        if (received >= wanted) onWanted();
      };
    },
  };
}
