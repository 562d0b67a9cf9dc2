/**
 * Who watches a stream. What he may see is asked again for every frame, live or replayed: a right can end while the
 * stream is open, and nothing may leave after that.
 *
 * Not here: who decides (access/sessions.ts).
 */
import type { Context } from 'hono';
import type { Watch } from './watch.ts';

export interface Viewer {
  maySee(organizationId: number): boolean;
  /** Called once, when his right ends: say goodbye with `reauth`. @returns he has left */
  onEnd(sayGoodbye: () => void): () => void;
}

declare module 'hono' {
  interface ContextVariableMap {
    viewer: Viewer;
    /** Close code of a WebSocket that is opened only to be told why not: a browser hides the status of a handshake. */
    socketRefusal: number;
  }
}

export function viewerOf(c: Context): Viewer {
  const viewer = c.get('viewer');
  if (viewer === undefined) throw new Error('A stream was asked for before the gate let anybody in.');
  return viewer;
}

/** The same watch, which gives its viewer nothing any more once he may not see it. */
export function guardWatch(watch: Watch, viewer: Viewer): Watch {
  const { organizationId } = watch;
  return {
    organizationId,
    epoch: watch.epoch,
    head: watch.head,
    recovered: watch.recovered,
    reason: watch.reason,
    get cursor() {
      return watch.cursor;
    },
    take: () => (viewer.maySee(organizationId) ? watch.take() : []),
    async catchUp(isSlow) {
      const frames = await watch.catchUp(isSlow);
      return viewer.maySee(organizationId) ? frames : [];
    },
    end: watch.end,
  };
}
