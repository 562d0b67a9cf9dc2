/**
 * Back leads to the row that the reader left. The browser restores the place while the page is still empty, so it is restored
 * again when the page has grown long enough.
 */
import { keep, readKept } from '../browser-storage.ts';

/** Longer than a slow server takes for its lists. */
const LIMIT_MS = 10_000;
/** What a reader does to move: from then on the place is theirs. */
const MOVES = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const;

export function restoreScroll(): void {
  window.addEventListener('pagehide', () => {
    keep('sessionStorage', nameOf(), String(Math.round(window.scrollY)));
  });
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  const top = Number(readKept('sessionStorage', nameOf()));
  if (top > 0 && navigation?.type !== 'navigate') scrollWhenPossible(top);
}

const nameOf = () => `patient-sync.scroll ${window.location.href}`;

function scrollWhenPossible(top: number): void {
  const page = document.documentElement;
  const watch = new ResizeObserver(() => {
    if (page.scrollHeight - window.innerHeight < top) return;
    end();
    window.scrollTo({ top, behavior: 'instant' });
  });
  const end = (): void => {
    watch.disconnect();
    clearTimeout(limit);
    for (const move of MOVES) window.removeEventListener(move, end);
  };
  const limit = setTimeout(end, LIMIT_MS);
  for (const move of MOVES) window.addEventListener(move, end, { passive: true });
  watch.observe(document.body);
}
