/** The subscription of one `subscribe_changes` frame: the changes of the patients of the named organizations. */
import type { ClientFrame } from '#contract/client-frame.ts';
import { PROTOCOL_VERSION } from '#contract/stream-event.ts';
import type { ChangeFeed } from '../change-feed.ts';
import { describeStream, type Subscriber } from '../subscriber.ts';
import type { SubscribedClient, Subscription } from './subscription.ts';

/** Resolves when `subscribed` was sent and the first frames are scheduled. Nothing is folded. */
export async function openChangeSubscription(
  frame: ClientFrame & { type: 'subscribe_changes' },
  changeFeed: ChangeFeed,
  { authorization, writer, send }: SubscribedClient,
): Promise<Subscription> {
  const { id } = frame;
  const subscribers: Subscriber[] = [];
  const end = (): void => {
    for (const subscriber of subscribers) {
      writer.remove(subscriber);
      subscriber.end();
    }
  };
  try {
    for (const organizationId of new Set(frame.organizations)) {
      const wanted = { organizationId, since: frame.since?.[organizationId], authorization };
      subscribers.push(await changeFeed.subscribe(wanted));
    }
  } catch (error) {
    end();
    throw error;
  }
  send({ v: PROTOCOL_VERSION, type: 'subscribed', id, streams: subscribers.map(describeStream) });
  for (const subscriber of subscribers) writer.add(subscriber);
  return { kind: 'changes', id, subscribers, end };
}
