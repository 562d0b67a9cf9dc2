/**
 * What a server keeps in memory for each API key. A check can try any number of keys that are never stored, so the number of
 * keys is bounded, and the least recently used one is forgotten. A run in progress holds what belongs to its key itself.
 */
const KEYS_AT_MOST = 10_000;

/** @returns finds what is kept for a key, or makes it */
export function keepForKeys<T>(): (key: string, make: () => T) => T {
  const kept = new Map<string, T>();
  return (key, make) => {
    const value = kept.get(key) ?? make();
    // Deleted and inserted again, so that the map is ordered by last use.
    kept.delete(key);
    kept.set(key, value);
    const [oldest] = kept.keys();
    if (kept.size > KEYS_AT_MOST && oldest !== undefined) kept.delete(oldest);
    return value;
  };
}
