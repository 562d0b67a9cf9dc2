/**
 * The organizations that were polled lately. A client that only polls has no channel, and its `ETag` is the head of the
 * stream: a change that bypassed the triggers must be found for it too (unlogged-watch.ts).
 */
const RECENT_MS = 2 * 60_000;
/** Ids come from requests. The least recent ones are dropped first. */
const MAX_ORGANIZATIONS = 2_000;

export interface RecentPolls {
  add(organizationId: number): void;
  ids(): number[];
}

export function createRecentPolls(): RecentPolls {
  /** In order of the last poll. */
  const polledAt = new Map<number, number>();
  return {
    add(organizationId) {
      polledAt.delete(organizationId);
      polledAt.set(organizationId, performance.now());
      const [oldest] = polledAt.keys();
      if (polledAt.size > MAX_ORGANIZATIONS && oldest !== undefined) polledAt.delete(oldest);
    },
    ids() {
      const now = performance.now();
      for (const [id, at] of polledAt) if (now - at > RECENT_MS) polledAt.delete(id);
      return [...polledAt.keys()];
    },
  };
}
