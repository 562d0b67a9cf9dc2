/**
 * Reconnects a watch when the network or the tab comes back, so that a visible page shows old data no longer than
 * needed.
 */
import { useEffect } from 'react';

export function useReconnectOnVisible(wake: () => void): void {
  useEffect(() => {
    const onVisible = (): void => {
      if (document.visibilityState === 'visible') wake();
    };
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      window.removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [wake]);
}
