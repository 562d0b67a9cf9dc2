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
  const subscription = new FeedSubscription(feed, viewer, delivery, conflateMs);
  // Before the list is read, so that nobody appears between the two.
  if (everything) subscription.hearNewcomers();
  try {
    const named = frame.organizations === '*' ? await feed.organizations() : frame.organizations;
    const resumed = everything ? resumedIn(frame.since) : [];
    const seen = [...named, ...resumed].filter((id) => viewer.maySee(id));
    const joined = await subscription.join(new Map(seen.map((id) => [id, frame.since?.[id]])));
    send({ v: PROTOCOL_VERSION, type: 'subscribed', id: frame.id, streams: joined.map(describe) });
    for (const watch of joined) delivery.news(watch);
  } catch (error) {
    subscription.end();
    throw error;
  }
  subscription.begun();
  return subscription;
}

/** A class: a console of one organization holds little more than its watch. */
class FeedSubscription implements Subscription {
  readonly watches = new Map<number, Watch>();
  readonly #feed: Feed;
  readonly #viewer: Viewer;
  readonly #delivery: Delivery;
  readonly #isFolded: boolean;
  readonly #onNews: (organizationId: number) => void;
  #pace: Pace | undefined;
  #newcomers: Newcomers | undefined;
  #ended = false;

  constructor(feed: Feed, viewer: Viewer, delivery: Delivery, conflateMs: number) {
    this.#feed = feed;
    this.#viewer = viewer;
    this.#delivery = delivery;
    this.#isFolded = conflateMs > 0;
    const deliver = (id: number) => this.#deliver(id);
    this.#pace = this.#isFolded ? createPace(conflateMs, deliver) : undefined;
    this.#onNews = this.#pace?.news ?? deliver;
  }

  hearNewcomers(): void {
    this.#newcomers = createNewcomers(this.#feed, (id, beginning) => this.#joinNewcomer(id, beginning));
  }

  /** Those that were there already have joined. */
  begun(): void {
    this.#newcomers?.letIn();
  }

  async join(since: ReadonlyMap<number, string | undefined>): Promise<Watch[]> {
    const folded = this.#isFolded;
    const plans = [...since].map(([id, cursor]) => [id, { since: cursor, folded }] as const);
    const watched = await this.#feed.watch(new Map(plans), this.#onNews);
    const joined = watched.map((watch) => guardWatch(watch, this.#viewer));
    if (this.#ended) {
      for (const watch of joined) watch.end();
      return [];
    }
    for (const watch of joined) this.watches.set(watch.organizationId, watch);
    return joined;
  }

  end(): void {
    this.#ended = true;
    this.#newcomers?.leave();
    this.#pace?.end();
    for (const watch of this.watches.values()) {
      this.#delivery.drop(watch);
      watch.end();
    }
  }

  #deliver(id: number): void {
    const watch = this.watches.get(id);
    if (watch !== undefined) this.#delivery.news(watch);
  }

  /** An organization that appears later is complete from its beginning. */
  async #joinNewcomer(id: number, beginning: string): Promise<void> {
    if (this.#ended || this.watches.has(id) || !this.#viewer.maySee(id)) return;
    const joined = await this.join(new Map([[id, beginning]]));
    for (const watch of joined) this.#delivery.news(watch);
  }
}

type Newcomers = ReturnType<typeof createNewcomers>;

/** Organizations that appear after a subscription to `*` was made. A failure to let one in is mended by its next news. */
function createNewcomers(feed: Feed, join: (id: number, beginning: string) => Promise<void>) {
  const joining = new Set<number>();
  /** Heard of before those that were there already have joined. */
  let early: Map<number, string> | undefined = new Map();
  const letIn = (id: number, beginning: string): void => {
    if (joining.has(id)) return;
    joining.add(id);
    join(id, beginning)
      .catch(() => {})
      .finally(() => joining.delete(id));
  };
  const leave = feed.onOrganization((id, beginning) => {
    if (early === undefined) letIn(id, beginning);
    else early.set(id, beginning);
  });
  return {
    leave,
    letIn(): void {
      const heard = early;
      early = undefined;
      for (const [id, beginning] of heard ?? []) letIn(id, beginning);
    },
  };
}

function resumedIn(since: Record<string, string> = {}): number[] {
  return Object.keys(since).map(Number).filter(isRowId);
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

type Pace = ReturnType<typeof createPace>;

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
      waiting.add(organizationId);
      if (timer === undefined) open();
    },
    end: () => clearTimeout(timer),
  };
}
