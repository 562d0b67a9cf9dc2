/** Tells a watch when the network or the tab comes back, so that nobody looks at an old state for longer than needed. */

/** @returns takes the listeners away */
export function wakeWithPage(watch: { wake(): void }): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const onVisible = (): void => {
    if (document.visibilityState === 'visible') watch.wake();
  };
  window.addEventListener('online', () => watch.wake(), { signal });
  document.addEventListener('visibilitychange', onVisible, { signal });
  return () => ended.abort();
}
