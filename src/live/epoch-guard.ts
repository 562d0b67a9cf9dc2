/**
 * Checks that the channels belong to the present history of the database. After a restore or a failover the same `seq`
 * means another event: then all channels are dropped, and no client resumes from the old history.
 *
 * The database identifies its history by the epoch. It is read with every poll, and after every reconnection of the
 * listener. If the database was restored without a new epoch (its WAL has become shorter, or an organization has fewer events
 * than this process has sent), the guard ends the epoch.
 */
import type { EventLog } from '../events/event-log.ts';
import type { Heads } from '../events/heads.ts';
import type { ChannelCache } from './channel-cache.ts';

export interface EpochGuard {
  /** '' before the first read. */
  readonly epoch: string;
  /** Reads the heads of all organizations, or of those that changed since a horizon; their epoch becomes the present one. */
  readHeads(since?: string): Promise<Heads>;
  /** Call it with each epoch that was read from the database. */
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
  const hasRewound = (
    heads: Heads,
    isComplete: boolean,
    before: bigint,
    sent: ReadonlyMap<number, number>,
  ): boolean => {
    if (heads.flushed < before) return true;
    if (isComplete) {
      const now = new Map(heads.positions.map(({ organizationId, seq }) => [organizationId, seq]));
      return [...sent].some(([organizationId, seq]) => seq > (now.get(organizationId) ?? 0));
    }
    return heads.positions.some(({ organizationId, seq }) => seq < (sent.get(organizationId) ?? 0));
  };
  return {
    get epoch() {
      return epoch;
    },
    observe,
    async readHeads(since) {
      // Copied before the query: a channel may grow past the result while the query runs.
      const [ours, before] = [epoch, flushed];
      const sent = new Map([...cache.entries()].map(([id, { channel }]) => [id, channel.head]));
      let heads = await log.readHeads(since);
      const isSame = ours !== '' && ours === epoch && ours === heads.epoch;
      if (isSame && hasRewound(heads, since === undefined, before, sent)) {
        await log.endEpoch(ours);
        heads = await log.readHeads();
      }
      observe(heads.epoch);
      if (heads.flushed > flushed) flushed = heads.flushed;
      return heads;
    },
  };
}
