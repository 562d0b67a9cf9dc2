/** The subscription of one `subscribe` frame: a subscriber for each organization, with every event or folded. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientFrame } from '#contract/client-frame.ts';
import { formatCursor } from '#contract/cursor.ts';
import { DEFAULT_CONFLATE_MS, type ServerFrame } from '#contract/socket-frame.ts';
import { PROTOCOL_VERSION } from '#contract/stream-event.ts';
import { RowId } from '#contract/sync-log.ts';
import type { ChangeFeed } from '../change-feed.ts';
import type { ConnectionRegistry } from '../connection-registry.ts';
import type { Hub } from '../hub.ts';
import type { SocketWriter } from '../socket-writer.ts';
import type { StreamAuthorization } from '../stream-authorization.ts';
import type { Subscriber } from '../subscriber.ts';

/** Organizations of one `subscribed` frame, and of one read of the log. */
const MOST_AT_ONCE = 500;
const FIRST_PORTION = 100;
const PORTION = 250;
const RETRY_MS = 500;

export interface LiveDeps {
  hub: Hub;
  changeFeed: ChangeFeed;
  connections: ConnectionRegistry;
}

export interface Subscription {
  /** To the runs of organizations, or to the changes of their patients. */
  readonly kind: 'runs' | 'changes';
  readonly subscribers: ReadonlyMap<number, Subscriber>;
  end(): void;
}

/** Resolves when the first `subscribed` was sent and its first frames are scheduled. Further portions of `*` join later. */
export async function openSubscription(
  frame: ClientFrame & { type: 'subscribe' },
  { hub }: Pick<LiveDeps, 'hub'>,
  authorization: StreamAuthorization,
  writer: SocketWriter,
  send: (frame: ServerFrame) => void,
): Promise<Subscription> {
  const isEverything = frame.organizations === '*';
  const conflateMs = frame.conflate_ms ?? (isEverything ? DEFAULT_CONFLATE_MS : 0);
  const subscription = new HubSubscription(hub, authorization, writer, conflateMs);
  // Before the list is read, so that no organization that appears in between is missed.
  if (isEverything) subscription.trackNewOrganizations();
  const joinPortion = async (ids: readonly number[], isLast: boolean): Promise<void> => {
    const joined = await subscription.join(new Map(ids.map((id) => [id, frame.since?.[id]])));
    if (subscription.hasEnded) return;
    const streams = joined.map(describeStream);
    send({ v: PROTOCOL_VERSION, type: 'subscribed', id: frame.id, ...(!isLast && { more: true }), streams });
    for (const subscriber of joined) writer.markDirty(subscriber);
  };
  try {
    const named = frame.organizations === '*' ? await hub.organizations() : frame.organizations;
    const resumed = isEverything ? resumedIn(frame.since) : [];
    const seen = [...new Set([...named, ...resumed])].filter((id) => authorization.canRead(id));
    const [first = [], ...rest] = portionsOf(seen);
    await joinPortion(first, rest.length === 0);
    if (rest.length === 0) subscription.admitNewOrganizations();
    else void joinRest(subscription, writer, rest, joinPortion);
  } catch (error) {
    subscription.end();
    throw error;
  }
  return subscription;
}

/** The next portion joins when the client has read most of the one before. A portion that fails is tried again. */
async function joinRest(
  subscription: HubSubscription,
  writer: SocketWriter,
  portions: readonly (readonly number[])[],
  joinPortion: (ids: readonly number[], isLast: boolean) => Promise<void>,
): Promise<void> {
  for (const [index, ids] of portions.entries()) {
    await writer.whenFewDirty();
    for (let joined = false; !joined && !subscription.hasEnded; ) {
      joined = await joinPortion(ids, index === portions.length - 1).then(
        () => true,
        () => delay(RETRY_MS, false),
      );
    }
    if (subscription.hasEnded) return;
  }
  subscription.admitNewOrganizations();
}

/** One portion, unless there are many: then a small one first, so that a person sees at once what is in progress and new. */
function portionsOf(ids: readonly number[]): number[][] {
  if (ids.length <= MOST_AT_ONCE) return [[...ids]];
  const portions = [ids.slice(0, FIRST_PORTION)];
  for (let from = FIRST_PORTION; from < ids.length; from += PORTION)
    portions.push(ids.slice(from, from + PORTION));
  return portions;
}

/** A class, which saves memory: a subscription to one organization holds little more than its subscriber. */
class HubSubscription implements Subscription {
  readonly kind = 'runs';
  readonly subscribers = new Map<number, Subscriber>();
  readonly #hub: Hub;
  readonly #authorization: StreamAuthorization;
  readonly #writer: SocketWriter;
  readonly #isFolded: boolean;
  readonly #onNews: (organizationId: number) => void;
  #conflater: Conflater | undefined;
  #newOrganizations: NewOrganizations | undefined;
  #ended = false;

  constructor(hub: Hub, authorization: StreamAuthorization, writer: SocketWriter, conflateMs: number) {
    this.#hub = hub;
    this.#authorization = authorization;
    this.#writer = writer;
    this.#isFolded = conflateMs > 0;
    const deliver = (id: number) => this.#deliver(id);
    this.#conflater = this.#isFolded ? createConflater(conflateMs, deliver) : undefined;
    this.#onNews = this.#conflater?.news ?? deliver;
  }

  trackNewOrganizations(): void {
    this.#newOrganizations = createNewOrganizations(this.#hub, (id, startCursor) =>
      this.#joinNewOrganization(id, startCursor),
    );
  }

  /** Call it when the existing organizations have joined. */
  admitNewOrganizations(): void {
    this.#newOrganizations?.admit();
  }

  async join(since: ReadonlyMap<number, string | undefined>): Promise<Subscriber[]> {
    const shared = { folded: this.#isFolded, authorization: this.#authorization };
    const requests = [...since].map(([id, cursor]) => [id, { since: cursor, ...shared }] as const);
    const joined = await this.#hub.subscribe(new Map(requests), this.#onNews);
    if (this.#ended) {
      for (const subscriber of joined) subscriber.end();
      return [];
    }
    for (const subscriber of joined) this.subscribers.set(subscriber.organizationId, subscriber);
    return joined;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
    this.#newOrganizations?.leave();
    this.#conflater?.end();
    for (const subscriber of this.subscribers.values()) {
      this.#writer.remove(subscriber);
      subscriber.end();
    }
  }

  #deliver(id: number): void {
    const subscriber = this.subscribers.get(id);
    if (subscriber !== undefined) this.#writer.markDirty(subscriber);
  }

  /** An organization that appears later is delivered from its first event. */
  async #joinNewOrganization(id: number, startCursor: string): Promise<void> {
    if (this.#ended || this.subscribers.has(id) || !this.#authorization.canRead(id)) return;
    const joined = await this.join(new Map([[id, startCursor]]));
    for (const subscriber of joined) this.#writer.markDirty(subscriber);
  }
}

type NewOrganizations = ReturnType<typeof createNewOrganizations>;

/** Joins organizations that appear after a subscription to `*`. A failed join is retried. */
function createNewOrganizations(hub: Hub, join: (id: number, startCursor: string) => Promise<void>) {
  const joining = new Set<number>();
  /** Organizations that appear before the existing ones have joined. */
  let early: Map<number, string> | undefined = new Map();
  const admit = (id: number, startCursor: string): void => {
    if (joining.has(id)) return;
    joining.add(id);
    join(id, startCursor)
      // The organization appears again with the comparison of all heads. Not at once: a join that always fails would repeat it.
      .catch(() => delay(RETRY_MS, undefined, { ref: false }).then(() => hub.compareAll()))
      .finally(() => joining.delete(id));
  };
  const leave = hub.onOrganization((id, startCursor) => {
    if (early === undefined) admit(id, startCursor);
    else early.set(id, startCursor);
  });
  return {
    leave,
    admit(): void {
      const queued = early;
      early = undefined;
      for (const [id, startCursor] of queued ?? []) admit(id, startCursor);
    },
  };
}

function resumedIn(since: Record<string, string> = {}): number[] {
  return Object.keys(since).map(Number).filter(isRowId);
}

const isRowId = (id: number) => RowId.safeParse(id).success;

/** For `subscribed`. */
export function describeStream(subscriber: Subscriber) {
  return {
    organization_id: subscriber.organizationId,
    head: formatCursor(subscriber.epoch, subscriber.head),
    recovered: subscriber.recovered,
    reason: subscriber.reason,
  };
}

type Conflater = ReturnType<typeof createConflater>;

/** Delivers the first event after a pause immediately, and conflates later ones for `conflateMs`. */
function createConflater(conflateMs: number, deliver: (organizationId: number) => void) {
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
