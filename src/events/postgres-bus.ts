/** The bus between servers that needs nothing but the database. Subscribers in this process get nudges synchronously. */
import type { EventBus } from './event-bus.ts';
import { createMemoryBus } from './memory-bus.ts';
import { type NotifyPathOptions, openNotifyPath } from './notify-path.ts';

/** @throws like `openNotifyPath` */
export async function openPostgresBus(listenUrl: string, options: NotifyPathOptions = {}): Promise<EventBus> {
  const local = createMemoryBus();
  const path = await openNotifyPath(listenUrl, local, options, {
    needsNotify: () => true,
    onNeeded: () => {},
  });
  return {
    ...local,
    publish: (nudge) => {
      local.publish(nudge);
      path.send(nudge);
    },
    get healthy() {
      return path.healthy;
    },
    async close() {
      await path.close();
      await local.close();
    },
  };
}
