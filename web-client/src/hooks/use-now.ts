/** A clock for timers on a page. */
import { useEffect, useState } from 'react';
import { listenToServerTime, serverNow } from '../server-time.ts';

/** The time by the clock of the server, in milliseconds, updated every second, or less often, while `isTicking`. */
export function useNow(isTicking: boolean, everyMs = 1_000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!isTicking) return;
    const draw = (): void => setNow(serverNow());
    draw();
    const timer = setInterval(draw, everyMs);
    const stopListening = listenToServerTime(draw);
    return () => {
      clearInterval(timer);
      stopListening();
    };
  }, [isTicking, everyMs]);
  return now;
}
