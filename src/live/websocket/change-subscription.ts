/** The subscription of one `subscribe_changes` frame: the changes of the patients of the named organizations. */
import type { ClientFrame } from '#contract/client-frame.ts';
import type { ServerFrame } from '#contract/socket-frame.ts';
import { PROTOCOL_VERSION } from '#contract/stream-event.ts';
import type { ChangeFeed } from '../change-feed.ts';
import type { SocketWriter } from '../socket-writer.ts';
import type { StreamAuthorization } from '../stream-authorization.ts';
import type { Subscriber } from '../subscriber.ts';
import { describeStream, type Subscription } from './subscription.ts';

/** Resolves when `subscribed` was sent and the first frames are scheduled. Nothing is folded. */
export async function openChangeSubscription(
  frame: ClientFrame & { type: 'subscribe_changes' },
  changeFeed: ChangeFeed,
  authorization: StreamAuthorization,
  writer: SocketWriter,
  send: (frame: ServerFrame) => void,
): Promise<Subscription> {
  const subscribers = new Map<number, Subscriber>();
  let isAnnounced = false;
  const deliver = (id: number): void => {
    const subscriber = subscribers.get(id);
    if (isAnnounced && subscriber !== undefined) writer.markDirty(subscriber);
  };
  const end = (): void => {
    for (const subscriber of subscribers.values()) {
      writer.remove(subscriber);
      subscriber.end();
    }
  };
  try {
    for (const organizationId of new Set(frame.organizations)) {
      const wanted = { organizationId, since: frame.since?.[organizationId], authorization };
      subscribers.set(organizationId, await changeFeed.subscribe(wanted, () => deliver(organizationId)));
    }
  } catch (error) {
    end();
    throw error;
  }
  const streams = [...subscribers.values()].map(describeStream);
  send({ v: PROTOCOL_VERSION, type: 'subscribed', id: frame.id, streams });
  isAnnounced = true;
  for (const id of subscribers.keys()) deliver(id);
  return { kind: 'changes', subscribers, end };
}
