/** The subscription of one `subscribe` frame: a subscriber for each organization, with every event or folded. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientFrame } from '#contract/client-frame.ts';
import { DEFAULT_CONFLATE_MS, type ServerFrame } from '#contract/socket-frame.ts';
import { PROTOCOL_VERSION } from '#contract/stream-event.ts';
import { RowId } from '#contract/sync-log.ts';
import type { Hub } from '../hub.ts';
import type { SocketWriter } from '../socket-writer.ts';
import type { StreamAuthorization } from '../stream-authorization.ts';
import { describeStream, type FrameTaker, type Subscriber } from '../subscriber.ts';

/** Organizations of one `subscribed` frame, and of one read of the log. */
const MOST_AT_ONCE = 500;
const FIRST_PORTION = 100;
const PORTION = 250;
const RETRY_MS = 500;

export interface Subscription {
  /** Chosen by the client. */
  readonly id: string;
  /** To the runs of organizations, or to the changes of their patients. */
  readonly kind: 'runs' | 'changes';
  readonly subscribers: readonly Subscriber[];
  end(): void;
}

/** What a subscription uses of its connection. */
export interface SubscribedClient {
  authorization: StreamAuthorization;
  writer: SocketWriter;
  send(frame: ServerFrame): void;
}

/** Resolves when the first `subscribed` was sent and its first frames are scheduled. Further portions of `*` join later. */
export async function openSubscription(
  frame: ClientFrame & { type: 'subscribe' },
  hub: Hub,
  client: SubscribedClient,
): Promise<Subscription> {
  const isEverything = frame.organizations === '*';
  const conflateMs = frame.conflate_ms ?? (isEverything ? DEFAULT_CONFLATE_MS : 0);
  const subscription = new HubSubscription({ id: frame.id, conflateMs }, hub, client);
  // Before the list is read, so that no organization that appears in between is missed.
  if (isEverything) subscription.trackNewOrganizations();
  const joinPortion = async (ids: readonly number[], isLast: boolean): Promise<void> => {
    const joined = await subscription.join(new Map(ids.map((id) => [id, frame.since?.[id]])));
    if (subscription.hasEnded) return;
    const streams = joined.map(describeStream);
    client.send({
      v: PROTOCOL_VERSION,
      type: 'subscribed',
      id: frame.id,
      ...(!isLast && { more: true }),
      streams,
    });
    subscription.deliver(joined);
  };
  try {
    const named = frame.organizations === '*' ? await hub.organizations() : frame.organizations;
    const resumed = isEverything ? resumedIn(frame.since) : [];
    const seen = [...new Set([...named, ...resumed])].filter((id) => client.authorization.canRead(id));
    const [first = [], ...rest] = portionsOf(seen);
    await joinPortion(first, rest.length === 0);
    if (rest.length === 0) subscription.admitNewOrganizations();
    else void joinRest(subscription, client.writer, rest, joinPortion);
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
  readonly id: string;
  subscribers: Subscriber[] = NONE;
  readonly #hub: Hub;
  readonly #authorization: StreamAuthorization;
  readonly #writer: SocketWriter;
  readonly #conflater: Conflater | undefined;
  #newOrganizations: NewOrganizations | undefined;
  #ended = false;

  constructor(
    { id, conflateMs }: { id: string; conflateMs: number },
    hub: Hub,
    { authorization, writer }: SubscribedClient,
  ) {
    this.id = id;
    this.#hub = hub;
    this.#authorization = authorization;
    this.#writer = writer;
    this.#conflater = conflateMs > 0 ? new Conflater(conflateMs, writer) : undefined;
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

  /** The caller announces the new subscribers, and then calls `deliver`. */
  async join(since: ReadonlyMap<number, string | undefined>): Promise<Subscriber[]> {
    const shared = { folded: this.#conflater !== undefined, authorization: this.#authorization };
    const requests = [...since].map(([id, cursor]) => [id, { since: cursor, ...shared }] as const);
    const joined = await this.#hub.subscribe(new Map(requests));
    if (this.#ended) {
      for (const subscriber of joined) subscriber.end();
      return [];
    }
    if (this.subscribers === NONE) this.subscribers = [...joined];
    else this.subscribers.push(...joined);
    for (const { organizationId } of joined) this.#newOrganizations?.joined.add(organizationId);
    return joined;
  }

  /** The first frames at once; later ones conflated, if the client asked for it. */
  deliver(joined: readonly Subscriber[]): void {
    for (const subscriber of joined) {
      this.#writer.add(subscriber);
      if (this.#conflater !== undefined) subscriber.attach(this.#conflater);
    }
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
    this.#newOrganizations?.leave();
    this.#conflater?.end();
    for (const subscriber of this.subscribers) {
      this.#writer.remove(subscriber);
      subscriber.end();
    }
  }

  /** An organization that appears later is delivered from its first event. */
  async #joinNewOrganization(id: number, startCursor: string): Promise<void> {
    if (this.#ended || !this.#authorization.canRead(id)) return;
    const joined = await this.join(new Map([[id, startCursor]]));
    if (!this.#ended) this.deliver(joined);
  }
}

/** Shared, and never filled: each subscription gets an array of its own, of the right size. */
const NONE: Subscriber[] = [];

type NewOrganizations = ReturnType<typeof createNewOrganizations>;

/** Joins organizations that appear after a subscription to `*`. A failed join is retried. */
function createNewOrganizations(hub: Hub, join: (id: number, startCursor: string) => Promise<void>) {
  const joined = new Set<number>();
  const joining = new Set<number>();
  /** Organizations that appear before the existing ones have joined. */
  let early: Map<number, string> | undefined = new Map();
  const admit = (id: number, startCursor: string): void => {
    if (joined.has(id) || joining.has(id)) return;
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
    /** The organizations that have a subscriber. */
    joined,
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

/** Delivers the first event after a pause immediately, and conflates later ones for `conflateMs`. */
class Conflater implements FrameTaker {
  readonly #conflateMs: number;
  readonly #taker: FrameTaker;
  readonly #waiting = new Set<Subscriber>();
  #timer: NodeJS.Timeout | undefined;

  constructor(conflateMs: number, taker: FrameTaker) {
    this.#conflateMs = conflateMs;
    this.#taker = taker;
  }

  markDirty(subscriber: Subscriber): void {
    this.#waiting.add(subscriber);
    if (this.#timer === undefined) this.#deliver();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #deliver(): void {
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    const due = [...this.#waiting];
    this.#waiting.clear();
    this.#timer = setTimeout(() => this.#deliver(), this.#conflateMs);
    for (const subscriber of due) this.#taker.markDirty(subscriber);
  }
}
