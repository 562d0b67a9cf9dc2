/** A clock for timers on a page. */
import { useEffect, useState } from 'react';

/** The time in milliseconds, updated every second, or less often, while `isTicking`. */
export function useNow(isTicking: boolean, everyMs = 1_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isTicking) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [isTicking, everyMs]);
  return now;
}
