/**
 * The channels of this process, and the bound on the memory of all of them together.
 *
 * A channel outlives its last watcher by a minute, so that clients that come back (a rotation, a deploy) are served from
 * memory, and so are polls. When the rings together hold too much, the one that was least recently watched goes first.
 */
import type { StreamState } from '../events/event-queries.ts';
import { Channel } from './channel.ts';

const MAX_RING_BYTES = 32 * 1024 * 1024;
const LINGER_MS = 60_000;

/** Who watches an organization. An object, not a function of its own for each of ten thousand. */
export interface ChannelListener {
  /** Something was read for the channel. It must return quickly and not throw. */
  onNews(): void;
}

export interface CacheEntry {
  channel: Channel;
  listeners: Set<ChannelListener>;
  /** The greatest `seq` that anybody was shown from the database. */
  observedSeq: number;
}

export interface ChannelCache {
  get(organizationId: number): CacheEntry | undefined;
  /** The organization's channel, made from this state when there is none. */
  open(state: StreamState): CacheEntry;
  /** It is watched, or polled, at this moment. */
  touch(organizationId: number): void;
  /** Call it after a channel has grown. */
  evict(): void;
  /** Lets go of channels that nobody has watched for a minute. */
  removeIdle(): void;
  clear(): void;
  entries(): IterableIterator<[number, CacheEntry]>;
  readonly size: number;
}

export function createChannelCache(maxBytes = MAX_RING_BYTES, lingerMs = LINGER_MS): ChannelCache {
  /** In the order in which they were last watched, the longest ago first. */
  const entries_ = new Map<number, CacheEntry & { touchedAt: number }>();

  const leastRecentlyUsed = function* () {
    for (const entry of entries_) if (entry[1].listeners.size === 0) yield entry;
    for (const entry of entries_) if (entry[1].listeners.size > 0) yield entry;
  };
  return {
    get: (id) => entries_.get(id),
    open(state) {
      const known = entries_.get(state.organizationId);
      if (known !== undefined) return known;
      const entry = {
        channel: new Channel(state),
        listeners: new Set<ChannelListener>(),
        observedSeq: state.head,
        touchedAt: performance.now(),
      };
      entries_.set(state.organizationId, entry);
      return entry;
    },
    touch(id) {
      const entry = entries_.get(id);
      if (entry === undefined) return;
      entry.touchedAt = performance.now();
      entries_.delete(id);
      entries_.set(id, entry);
    },
    evict() {
      let bytes = 0;
      for (const { channel } of entries_.values()) bytes += channel.bytes;
      for (const [id, { channel, listeners }] of leastRecentlyUsed()) {
        if (bytes <= maxBytes) return;
        bytes -= channel.bytes;
        if (listeners.size === 0) entries_.delete(id);
        else channel.dropFrames();
      }
    },
    removeIdle() {
      const before = performance.now() - lingerMs;
      for (const [id, { listeners, touchedAt }] of entries_) {
        if (listeners.size === 0 && touchedAt < before) entries_.delete(id);
      }
    },
    clear: () => entries_.clear(),
    entries: () => entries_.entries(),
    get size() {
      return entries_.size;
    },
  };
}
