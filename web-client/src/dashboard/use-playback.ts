/** The playback of a timeline: the current moment, and the step to the next one. */
import { useCallback, useEffect, useState } from 'react';
import { type PlaybackMoment, stayMs } from './playback.ts';

export interface Playback {
  index: number;
  isPlaying: boolean;
  /** Plays from here, or from the start when this is the end. */
  toggle(): void;
  /** Moves there and pauses. */
  goTo(index: number): void;
}

/**
 * Begins at the moment that the address names, else at the last one, and follows the newest moment while the run is active.
 *
 * @param named cursor of that moment
 */
export function usePlayback(moments: readonly PlaybackMoment[], named: string | null): Playback {
  const last = moments.length - 1;
  const [moved, setMoved] = useState<{ to: number | null } | null>(null);
  const [isPlaying, setIsPlaying] = useState(false);
  const setChosen = useCallback((to: number | null) => setMoved({ to }), []);
  const beginning = named === null ? -1 : moments.findIndex(({ cursor }) => cursor === named);
  const chosen = moved === null ? (beginning === -1 ? null : beginning) : moved.to;
  const index = Math.min(chosen ?? last, last);

  useEffect(() => {
    if (!isPlaying) return;
    const stay = stayMs(moments, index);
    if (stay === null) {
      setIsPlaying(false);
      setChosen(null);
      return;
    }
    const timer = setTimeout(() => setChosen(index + 1), stay);
    return () => clearTimeout(timer);
  }, [moments, index, isPlaying, setChosen]);

  const toggle = useCallback((): void => {
    if (!isPlaying && index >= last) setChosen(0);
    setIsPlaying(!isPlaying);
  }, [isPlaying, index, last, setChosen]);
  const goTo = useCallback(
    (next: number): void => {
      setIsPlaying(false);
      setChosen(next >= last ? null : Math.max(0, next));
    },
    [last, setChosen],
  );
  return { index, isPlaying, toggle, goTo };
}
