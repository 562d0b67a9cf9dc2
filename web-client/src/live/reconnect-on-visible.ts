/**
 * Reconnects a watch, or reads again, when the network or the tab comes back, so that a visible page shows old data no
 * longer than needed.
 */

/** @returns removes the listeners */
export function reconnectOnVisible(watch: { reconnect(): void }): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const onVisible = (): void => {
    if (document.visibilityState === 'visible') watch.reconnect();
  };
  window.addEventListener('online', () => watch.reconnect(), { signal });
  document.addEventListener('visibilitychange', onVisible, { signal });
  return () => ended.abort();
}
