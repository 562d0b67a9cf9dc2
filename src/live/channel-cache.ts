/**
 * The channels of this process, and the limit of their total memory.
 *
 * A channel is kept for a minute after its last use, so that reconnecting clients (a rotation, a deploy) and polls
 * are served from memory. Above the limit, channels without listeners are evicted first, then rings of watched channels; each
 * time the least recently used first.
 */
import type { EventBus } from '../events/event-bus.ts';
import type { StreamState } from '../events/event-queries.ts';
import { Channel } from './channel.ts';

const MAX_RING_BYTES = 32 * 1024 * 1024;
const LINGER_MS = 60_000;

/** A listener of one organization. An object: ten thousand closures would need more memory. */
export interface ChannelListener {
  /** Called after new events were appended to the channel. It must return quickly and not throw. */
  onNews(): void;
}

export interface CacheEntry {
  channel: Channel;
  listeners: Set<ChannelListener>;
  /** The greatest `seq` of a response that came from the database. */
  observedSeq: number;
  /** The first `seq` after the last gap that a replay has found; 0 when there was none. */
  replayableFrom: number;
}

export interface ChannelCache {
  get(organizationId: number): CacheEntry | undefined;
  /** The entry of the organization, created from this state if there is none. */
  open(state: StreamState): CacheEntry;
  /** Marks the entry as used now, by a subscriber or a poll. */
  touch(organizationId: number): void;
  /** Frees memory above the limit. Call it after events were appended. */
  evict(): void;
  /** Removes channels without listeners that were not used for a minute. */
  removeIdle(): void;
  clear(): void;
  entries(): IterableIterator<[number, CacheEntry]>;
  readonly size: number;
}

interface CacheOptions {
  maxBytes?: number;
  lingerMs?: number;
  /** Gets the organizations that have a channel: only their nudges are of use. */
  following?: Pick<EventBus, 'follow' | 'unfollow'>;
}

export function createChannelCache(options: CacheOptions = {}): ChannelCache {
  const { maxBytes = MAX_RING_BYTES, lingerMs = LINGER_MS, following } = options;
  /** In order of last use, the least recent first. */
  const entryById = new Map<number, CacheEntry & { touchedAt: number }>();
  const remove = (id: number): void => {
    entryById.delete(id);
    following?.unfollow(id);
  };

  const leastRecentlyUsed = function* () {
    for (const entry of entryById) if (entry[1].listeners.size === 0) yield entry;
    for (const entry of entryById) if (entry[1].listeners.size > 0) yield entry;
  };
  return {
    get: (id) => entryById.get(id),
    open(state) {
      const known = entryById.get(state.organizationId);
      if (known !== undefined) return known;
      const entry = {
        channel: new Channel(state),
        listeners: new Set<ChannelListener>(),
        observedSeq: state.head,
        replayableFrom: 0,
        touchedAt: performance.now(),
      };
      entryById.set(state.organizationId, entry);
      following?.follow(state.organizationId);
      return entry;
    },
    touch(id) {
      const entry = entryById.get(id);
      if (entry === undefined) return;
      entry.touchedAt = performance.now();
      entryById.delete(id);
      entryById.set(id, entry);
    },
    evict() {
      let bytes = 0;
      for (const { channel } of entryById.values()) bytes += channel.bytes;
      for (const [id, { channel, listeners }] of leastRecentlyUsed()) {
        if (bytes <= maxBytes) return;
        bytes -= channel.bytes;
        if (listeners.size === 0) remove(id);
        else channel.dropFrames();
      }
    },
    removeIdle() {
      const before = performance.now() - lingerMs;
      for (const [id, { listeners, touchedAt }] of entryById) {
        if (listeners.size === 0 && touchedAt < before) remove(id);
      }
    },
    clear() {
      for (const id of [...entryById.keys()]) remove(id);
    },
    entries: () => entryById.entries(),
    get size() {
      return entryById.size;
    },
  };
}
