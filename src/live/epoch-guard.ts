/**
 * Which history the channels belong to. A restore or a failover begins another one, in which the same `seq` names another
 * event; then every channel is thrown away, and nobody goes on where the old history ended.
 *
 * The database's own word is the epoch. It is taken with every look, and after every reconnection of the listener. And a
 * database that went back in time (its log on disk has become shorter, or an organization has fewer events than we have
 * sent) without changing its epoch is made to change it.
 */
import type { EventLog } from '../events/event-log.ts';
import type { Heads } from '../events/event-queries.ts';
import type { ChannelCache } from './channel-cache.ts';

export interface EpochGuard {
  /** '' before the first look. */
  readonly epoch: string;
  /** The heads of all organizations, of the epoch that is ours from then on. */
  readHeads(): Promise<Heads>;
  /** Somebody read this epoch from the database. */
  observe(epoch: string): void;
}

export function createEpochGuard(log: EventLog, cache: ChannelCache, onLost: () => void): EpochGuard {
  let epoch = '';
  let flushed = 0n;

  const observe = (current: string): void => {
    if (current === epoch) return;
    const isLost = epoch !== '';
    epoch = current;
    if (!isLost) return;
    cache.clear();
    flushed = 0n;
    onLost();
  };
  const hasRewound = (heads: Heads, before: bigint, sent: ReadonlyMap<number, number>): boolean => {
    if (heads.flushed < before) return true;
    const now = new Map(heads.positions.map(({ organizationId, seq }) => [organizationId, seq]));
    return [...sent].some(([organizationId, seq]) => seq > (now.get(organizationId) ?? 0));
  };
  return {
    get epoch() {
      return epoch;
    },
    observe,
    async readHeads() {
      // Before the question: what is read meanwhile may be newer than the answer.
      const [ours, before] = [epoch, flushed];
      const sent = new Map([...cache.entries()].map(([id, { channel }]) => [id, channel.head]));
      let heads = await log.readHeads();
      if (ours !== '' && ours === epoch && ours === heads.epoch && hasRewound(heads, before, sent)) {
        await log.endEpoch(ours);
        heads = await log.readHeads();
      }
      observe(heads.epoch);
      if (heads.flushed > flushed) flushed = heads.flushed;
      return heads;
    },
  };
}
