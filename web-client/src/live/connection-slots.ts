/**
 * How many event streams the tabs of one origin hold at once. Over HTTP/1.1 a browser opens six connections to a
 * server and no more, for all of its tabs: with six streams the seventh page would not even load. So a stream takes a
 * seat first, and whoever finds none goes by WebSocket, which is not counted among the six.
 */
const SLOTS = 3;

/** @returns gives the seat back; undefined when all are taken */
export type TakeSlot = () => Promise<(() => void) | undefined>;

/** Where there are no Web Locks (Node, pages without TLS) nobody knows of the other tabs, and everyone has a seat. */
export function connectionSlots(baseUrl: string): TakeSlot {
  const locks = typeof document === 'undefined' ? undefined : navigator.locks;
  if (locks === undefined) return async () => () => {};
  return async () => {
    for (let seat = 0; seat < SLOTS; seat += 1) {
      const giveBack = await hold(locks, `patient-sync.stream.${seat} ${baseUrl}`);
      if (giveBack !== undefined) return giveBack;
    }
    return undefined;
  };
}

/** Holds a lock until the returned function is called. */
function hold(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const whileHeld = async (lock: Lock | null): Promise<void> => {
      if (lock === null) resolve(undefined);
      else await new Promise<void>((giveBack) => resolve(giveBack));
    };
    locks.request(name, { ifAvailable: true }, whileHeld).catch(reject);
  });
}
