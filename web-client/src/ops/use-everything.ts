/** All organizations, watched. Hundreds of frames a second are drawn once per animation frame. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Connection } from '../live/connection.ts';
import type { EverythingState } from '../live/everything-state.ts';
import { type EverythingWatch, watchEverything } from '../live/watch-everything.ts';
import { useWake } from '../look/use-wake.ts';

export interface WatchedEverything {
  everything: EverythingState;
  connection: Connection;
}

export function useEverything(): WatchedEverything {
  const watch = useRef<EverythingWatch | null>(null);
  const [view, setView] = useState<WatchedEverything>(() => ({
    everything: new Map(),
    connection: { kind: 'connecting', since: Date.now() },
  }));

  useEffect(() => {
    let newest: WatchedEverything | undefined;
    let frame: number | undefined;
    const draw = (): void => {
      frame = undefined;
      if (newest !== undefined) setView(newest);
    };
    const opened = watchEverything({
      baseUrl: window.location.origin,
      onState: (everything, connection) => {
        newest = { everything, connection };
        frame ??= requestAnimationFrame(draw);
      },
    });
    watch.current = opened;
    return () => {
      opened.stop();
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, []);
  useWake(useCallback(() => watch.current?.wake(), []));
  return view;
}
