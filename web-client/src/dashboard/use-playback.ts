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

/** Begins at the last moment, and follows the newest moment while the run is active. */
export function usePlayback(moments: readonly PlaybackMoment[]): Playback {
  const last = moments.length - 1;
  const [chosen, setChosen] = useState<number | null>(null);
  const [isPlaying, setIsPlaying] = useState(false);
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
  }, [moments, index, isPlaying]);

  const toggle = useCallback((): void => {
    if (!isPlaying && index >= last) setChosen(0);
    setIsPlaying(!isPlaying);
  }, [isPlaying, index, last]);
  const goTo = useCallback(
    (next: number): void => {
      setIsPlaying(false);
      setChosen(next >= last ? null : Math.max(0, next));
    },
    [last],
  );
  return { index, isPlaying, toggle, goTo };
}
