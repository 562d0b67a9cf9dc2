/**
 * The channels of this process, and the bound on the memory of all of them together.
 *
 * A channel outlives its last watcher by a minute, so that clients that come back (a rotation, a deploy) are served from
 * memory, and so are polls. When the rings together hold too much, the one that was least recently watched goes first.
 */
import type { StreamState } from '../events/log.ts';
import { Channel } from './channel.ts';

const RING_BYTES_AT_MOST = 32 * 1024 * 1024;
const LINGER_MS = 60_000;

/** Who watches an organization. An object, not a function of its own for each of ten thousand. */
export interface Watcher {
  /** Something was read for the channel. It must return quickly and not throw. */
  onNews(): void;
}

export interface Place {
  channel: Channel;
  watchers: Set<Watcher>;
  /** The greatest `seq` that anybody was shown from the database. */
  shown: number;
}

export interface Shelf {
  get(organizationId: number): Place | undefined;
  /** The organization's channel, made from this state when there is none. */
  open(state: StreamState): Place;
  /** It is watched, or polled, at this moment. */
  touch(organizationId: number): void;
  /** Call it after a channel has grown. */
  fit(): void;
  /** Lets go of channels that nobody has watched for a minute. */
  sweep(): void;
  clear(): void;
  entries(): IterableIterator<[number, Place]>;
  readonly size: number;
}

export function createShelf(bytesAtMost = RING_BYTES_AT_MOST, lingerMs = LINGER_MS): Shelf {
  /** In the order in which they were last watched, the longest ago first. */
  const places = new Map<number, Place & { touchedAt: number }>();

  const leastWatched = function* () {
    for (const entry of places) if (entry[1].watchers.size === 0) yield entry;
    for (const entry of places) if (entry[1].watchers.size > 0) yield entry;
  };
  return {
    get: (id) => places.get(id),
    open(state) {
      const known = places.get(state.organizationId);
      if (known !== undefined) return known;
      const place = {
        channel: new Channel(state),
        watchers: new Set<Watcher>(),
        shown: state.head,
        touchedAt: performance.now(),
      };
      places.set(state.organizationId, place);
      return place;
    },
    touch(id) {
      const place = places.get(id);
      if (place === undefined) return;
      place.touchedAt = performance.now();
      places.delete(id);
      places.set(id, place);
    },
    fit() {
      let bytes = 0;
      for (const { channel } of places.values()) bytes += channel.bytes;
      for (const [id, { channel, watchers }] of leastWatched()) {
        if (bytes <= bytesAtMost) return;
        bytes -= channel.bytes;
        if (watchers.size === 0) places.delete(id);
        else channel.forgetFrames();
      }
    },
    sweep() {
      const before = performance.now() - lingerMs;
      for (const [id, { watchers, touchedAt }] of places) {
        if (watchers.size === 0 && touchedAt < before) places.delete(id);
      }
    },
    clear: () => places.clear(),
    entries: () => places.entries(),
    get size() {
      return places.size;
    },
  };
}
