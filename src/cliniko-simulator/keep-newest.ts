/** A map of bounded size that evicts the entry that was set the longest ago. */
export function keepNewest<Value>(most: number) {
  const kept = new Map<string, Value>();
  const set = (key: string, value: Value) => {
    kept.delete(key);
    kept.set(key, value);
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
  };
  return { get: (key: string) => kept.get(key), set };
}
