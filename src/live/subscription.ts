/** What one `subscribe` frame asked for: a watch for each organization, delivered as they come or folded. */

import { formatCursor } from '../contract/cursor.ts';
import { type ClientFrame, DEFAULT_CONFLATE_MS, type ServerFrame } from '../contract/socket-frame.ts';
import { PROTOCOL_VERSION } from '../contract/stream-event.ts';
import { RowId } from '../contract/sync-log.ts';
import type { Connections } from './connections.ts';
import type { Delivery } from './delivery.ts';
import type { Feed } from './feed.ts';
import { guardWatch, type Viewer } from './viewer.ts';
import type { Watch } from './watch.ts';

export interface LiveTools {
  feed: Feed;
  connections: Connections;
}

export interface Subscription {
  readonly watches: ReadonlyMap<number, Watch>;
  end(): void;
}

/** Resolves when `subscribed` was sent and the snapshots are on their way. */
export async function openSubscription(
  frame: ClientFrame & { type: 'subscribe' },
  { feed }: LiveTools,
  viewer: Viewer,
  delivery: Delivery,
  send: (frame: ServerFrame) => void,
): Promise<Subscription> {
  const everything = frame.organizations === '*';
  const conflateMs = frame.conflate_ms ?? (everything ? DEFAULT_CONFLATE_MS : 0);
  const folded = conflateMs > 0;
  const watches = new Map<number, Watch>();
  const joining = new Set<number>();
  const pace = createPace(conflateMs, (id) => {
    const watch = watches.get(id);
    if (watch !== undefined) delivery.news(watch);
  });
  let ended = false;

  const join = async (since: ReadonlyMap<number, string | undefined>): Promise<Watch[]> => {
    const plans = [...since].map(([id, cursor]) => [id, { since: cursor, folded }] as const);
    const watched = await feed.watch(new Map(plans), pace.news);
    const joined = watched.map((watch) => guardWatch(watch, viewer));
    for (const watch of joined) {
      if (ended) watch.end();
      else watches.set(watch.organizationId, watch);
    }
    return joined;
  };
  /** An organization that appears later is complete from its beginning. A failure is mended by its next news. */
  const joinNewcomer = (id: number, beginning: string): void => {
    if (ended || watches.has(id) || joining.has(id) || !viewer.maySee(id)) return;
    joining.add(id);
    join(new Map([[id, beginning]]))
      .then((joined) => joined.forEach(delivery.news))
      .catch(() => {})
      .finally(() => joining.delete(id));
  };
  /** Heard of before those that were there already have joined. */
  let early: Map<number, string> | undefined = new Map();
  const hear = (id: number, beginning: string): void => {
    if (early === undefined) joinNewcomer(id, beginning);
    else early.set(id, beginning);
  };

  // Before the list is read, so that nobody appears between the two.
  const leave = everything ? feed.onOrganization(hear) : () => {};
  try {
    const named = frame.organizations === '*' ? await feed.organizations() : frame.organizations;
    const resumed = everything
      ? Object.keys(frame.since ?? {})
          .map(Number)
          .filter(isRowId)
      : [];
    const seen = [...named, ...resumed].filter(viewer.maySee);
    const joined = await join(new Map(seen.map((id) => [id, frame.since?.[id]])));
    send({ v: PROTOCOL_VERSION, type: 'subscribed', id: frame.id, streams: joined.map(describe) });
    for (const watch of joined) delivery.news(watch);
  } catch (error) {
    leave();
    pace.end();
    throw error;
  }
  const heard = early;
  early = undefined;
  for (const [id, beginning] of heard) joinNewcomer(id, beginning);

  return {
    watches,
    end() {
      ended = true;
      leave();
      pace.end();
      for (const watch of watches.values()) {
        delivery.drop(watch);
        watch.end();
      }
    },
  };
}

const isRowId = (id: number) => RowId.safeParse(id).success;

function describe(watch: Watch) {
  return {
    organization_id: watch.organizationId,
    head: formatCursor(watch.epoch, watch.head),
    recovered: watch.recovered,
    reason: watch.reason,
  };
}

/** Lets the first news after a pause through at once, and gathers what follows for `conflateMs`. */
function createPace(conflateMs: number, deliver: (organizationId: number) => void) {
  const waiting = new Set<number>();
  let timer: NodeJS.Timeout | undefined;

  const open = (): void => {
    timer = undefined;
    if (waiting.size === 0) return;
    const ids = [...waiting];
    waiting.clear();
    timer = setTimeout(open, conflateMs);
    for (const id of ids) deliver(id);
  };
  return {
    news(organizationId: number): void {
      if (conflateMs === 0) {
        deliver(organizationId);
        return;
      }
      waiting.add(organizationId);
      if (timer === undefined) open();
    },
    end: () => clearTimeout(timer),
  };
}
