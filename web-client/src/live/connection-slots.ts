/**
 * Limits the event streams that all tabs of one origin hold at once. Over HTTP/1.1 a browser opens at most six
 * connections to a server, for all of its tabs: with six streams the seventh page would not load. So a stream takes a
 * slot first; a stream without a slot uses WebSocket, which does not count towards the six.
 */
const SLOTS = 3;

/** @returns releases the slot; undefined when all slots are taken */
export type TakeSlot = () => Promise<(() => void) | undefined>;

/** Without Web Locks (Node, pages without TLS) tabs cannot coordinate, so every stream gets a slot. */
export function connectionSlots(baseUrl: string): TakeSlot {
  const locks = typeof document === 'undefined' ? undefined : navigator.locks;
  if (locks === undefined) return async () => () => {};
  return async () => {
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const release = await hold(locks, `patient-sync.stream.${slot} ${baseUrl}`);
      if (release !== undefined) return release;
    }
    return undefined;
  };
}

/** Holds a lock until the returned function is called. */
function hold(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const whileHeld = async (lock: Lock | null): Promise<void> => {
      if (lock === null) resolve(undefined);
      else await new Promise<void>((release) => resolve(release));
    };
    locks.request(name, { ifAvailable: true }, whileHeld).catch(reject);
  });
}
