/** The present day, for times that are shown without it. A page that stays open over midnight shows the new one. */
import { useSyncExternalStore } from 'react';

/** As `Date.toDateString()`. */
export function useToday(): string {
  return useSyncExternalStore(onMidnight, () => new Date().toDateString());
}

function onMidnight(onChange: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (): void => {
    const now = new Date();
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    timer = setTimeout(() => {
      onChange();
      wait();
    }, midnight.getTime() - now.getTime());
  };
  wait();
  return () => clearTimeout(timer);
}
