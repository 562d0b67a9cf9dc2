/**
 * The bus between servers over NATS: a subject for each organization, so that a server receives only what it follows.
 *
 * PostgreSQL stays the second path. Its trigger announces rows of other programs, cancellations go over it (they are rare), and it
 * carries all nudges while NATS is away. Another server may still depend on it:
 * one without `NATS_URL`, as during an update, or one that lost NATS alone. The self-test that every listener sends
 * tells that, so this server sends over both paths as long as one depends on NOTIFY.
 */
import { RowId } from '#contract/sync-log.ts';
import { withTimeout } from '../timing/with-timeout.ts';
import type { EventBus, Nudge } from './event-bus.ts';
import { SELF_TEST } from './listener.ts';
import { createMemoryBus, type MemoryBus } from './memory-bus.ts';
import type { NatsAddress } from './nats-address.ts';
import { type NatsLink, openNatsLink } from './nats-link.ts';
import { type NotifyPath, type NotifyPathOptions, openNotifyPath } from './notify-path.ts';
import { PendingNudges } from './pending-nudges.ts';

export interface NatsBusOptions extends NotifyPathOptions {
  address: NatsAddress;
  /** Names the database: several may share one NATS cluster. One word of letters and digits. */
  scope: string;
  /** Called once when NATS is lost, with the reason, and once with undefined when it carries nudges again. */
  onNats?: (lost: string | undefined) => void;
}

export interface NatsBus extends EventBus {
  /** Whether nudges also go over NOTIFY now. */
  readonly notifiesToo: boolean;
}

/** A server that depends on NOTIFY repeats it with each self-test; one may be lost. */
const REMEMBERED_TESTS = 2.5;

/** Between two sends: what is published within it is merged, for each organization. */
const MIN_SPACING_MS = 10;

/** At the end of a server. */
const FLUSH_AT_MOST_MS = 1_000;

/** @throws like `openNotifyPath` and `openNatsLink` */
export async function openNatsBus(listenUrl: string, options: NatsBusOptions): Promise<NatsBus> {
  const local = createMemoryBus();
  const { selfTest = SELF_TEST } = options;
  const rememberedMs = selfTest.everyMs * REMEMBERED_TESTS;
  let link: NatsLink | undefined;
  let isAway = true;
  // At first the others are unknown, so both paths are used.
  let neededAt = performance.now();
  const path = await openNotifyPath(
    listenUrl,
    local,
    { ...options, selfTest },
    {
      needsNotify: () => isAway,
      onNeeded: () => {
        neededAt = performance.now();
      },
    },
  );
  const subjects = createSubjects(options.scope);
  link = await openNatsLink({
    address: options.address,
    onMessage: (subject) => local.publish(subjects.nudgeOf(subject)),
    onConnected() {
      isAway = false;
      options.onNats?.(undefined);
      path.announce();
      // What was sent before NATS knew the subscriptions is lost.
      void link?.flush().then(local.missed, () => {});
    },
    onAway(reason) {
      isAway = true;
      options.onNats?.(reason);
      // From now on the others send over NOTIFY; what they sent before may be lost.
      path.announce();
      local.missed();
    },
  }).catch(async (error: unknown) => {
    await path.close();
    throw error;
  });
  link.subscribe(subjects.work);
  // Without a listener the needs of the others are unknown.
  const notifiesToo = () => isAway || !path.healthy || performance.now() - neededAt < rememberedMs;
  return assemble(local, path, link, subjects, notifiesToo);
}

type Subjects = ReturnType<typeof createSubjects>;

function createSubjects(scope: string) {
  const prefix = `patient_sync.${scope}`;
  const ofOrganization = `${prefix}.organization.`;
  return {
    work: `${prefix}.work`,
    allOrganizations: `${ofOrganization}*`,
    organization: (id: number) => `${ofOrganization}${id}`,
    nudgeOf(subject: string): Nudge {
      // Any program with access to NATS may send anything.
      const id = subject.startsWith(ofOrganization)
        ? RowId.safeParse(Number(subject.slice(ofOrganization.length))).data
        : undefined;
      return { organizations: id === undefined ? [] : [id], work: subject === `${prefix}.work` };
    },
  };
}

function assemble(
  local: MemoryBus,
  path: NotifyPath,
  link: NatsLink,
  subjects: Subjects,
  notifiesToo: () => boolean,
): NatsBus {
  const sender = createSender(link, subjects);
  return {
    ...local,
    ...createFollowing(local, link, subjects),
    publish(nudge) {
      local.publish(nudge);
      sender.add(nudge);
      if (notifiesToo()) path.send(nudge);
      else if (nudge.cancelled !== undefined && nudge.cancelled.length > 0)
        path.send({ organizations: [], work: false, cancelled: nudge.cancelled });
    },
    // While NATS is away NOTIFY carries all nudges; without a listener rows of other programs are not announced.
    get healthy() {
      return path.healthy;
    },
    get nats() {
      return link.isConnected ? 'connected' : 'away';
    },
    get notifiesToo() {
      return notifiesToo();
    },
    async close() {
      await sender.close();
      await link.close();
      await path.close();
      await local.close();
    },
  };
}

/** Sends the first nudge after a pause in the same loop turn, and merges those that follow closely. */
function createSender(link: NatsLink, subjects: Subjects) {
  const pending = new PendingNudges();
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  let sentAt = Number.NEGATIVE_INFINITY;
  const send = (): void => {
    timer = undefined;
    immediate = undefined;
    sentAt = performance.now();
    const { organizations, work } = pending.takeAll();
    for (const id of organizations) link.publish(subjects.organization(id));
    if (work) link.publish(subjects.work);
  };
  return {
    add({ organizations, work }: Nudge): void {
      pending.add({ organizations, work });
      if (pending.isEmpty || timer !== undefined || immediate !== undefined) return;
      const waitMs = sentAt + MIN_SPACING_MS - performance.now();
      if (waitMs > 0) timer = setTimeout(send, waitMs);
      else immediate = setImmediate(send);
    },
    async close(): Promise<void> {
      clearTimeout(timer);
      clearImmediate(immediate);
      send();
      // A node that is frozen answers no flush, and other cleanups wait.
      await withTimeout(FLUSH_AT_MOST_MS, link.flush(), () => {}).catch(() => {});
    },
  };
}

/** Which organizations this server asks NATS for. */
function createFollowing(
  local: MemoryBus,
  link: NatsLink,
  subjects: Subjects,
): Pick<EventBus, 'follow' | 'unfollow' | 'followAll'> {
  /** How many followers each organization has: the events of its runs and the changes of its patients are followed separately. */
  const followed = new Map<number, number>();
  let followers = 0;
  const confirm = createConfirmation(link, (organizations) => local.publish({ organizations, work: false }));
  return {
    follow(id) {
      const before = followed.get(id) ?? 0;
      followed.set(id, before + 1);
      if (before > 0 || followers > 0) return;
      link.subscribe(subjects.organization(id));
      confirm(id);
    },
    unfollow(id) {
      const left = (followed.get(id) ?? 0) - 1;
      if (left > 0) followed.set(id, left);
      else if (followed.delete(id)) link.unsubscribe(subjects.organization(id));
    },
    followAll() {
      followers += 1;
      if (followers === 1) {
        link.subscribe(subjects.allOrganizations);
        for (const id of followed.keys()) link.unsubscribe(subjects.organization(id));
        void link.flush().then(local.missed, () => {});
      }
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        followers -= 1;
        if (followers > 0) return;
        for (const id of followed.keys()) link.subscribe(subjects.organization(id));
        link.unsubscribe(subjects.allOrganizations);
      };
    },
  };
}

/** What happened before NATS knew a subscription is lost, so the organization is read once more after that. */
function createConfirmation(link: NatsLink, read: (organizations: readonly number[]) => void) {
  let fresh: number[] = [];
  let isRunning = false;
  const run = async (): Promise<void> => {
    while (fresh.length > 0) {
      const organizations = fresh;
      fresh = [];
      // A connection that is lost now is reported by itself, and everything is read then.
      await link.flush().catch(() => {});
      read(organizations);
    }
    isRunning = false;
  };
  return (organizationId: number): void => {
    fresh.push(organizationId);
    if (isRunning) return;
    isRunning = true;
    // After this loop turn: a client that joins follows many organizations in one.
    setImmediate(() => void run());
  };
}
