/**
 * Who watches a stream. What he may see is asked again for every frame, live or replayed: a right can end while the
 * stream is open, and nothing may leave after that.
 *
 * Not here: who decides (access/sessions.ts).
 */
import type { Context } from 'hono';
import type { Connection } from './connections.ts';
import type { Watch } from './watch.ts';

/** Bounds what one socket may ask, and is told what was refused to it. */
export interface FrameGuard {
  /** For each frame. @throws ProblemError TOO_MANY_REQUESTS */
  take(): void;
  refused(code: 'FORBIDDEN' | 'TOO_MANY_REQUESTS'): void;
}

export interface Viewer {
  /** Undefined for a stream that cannot ask for anything once it is open. */
  readonly frames: FrameGuard | undefined;
  maySee(organizationId: number): boolean;
  /** His connection is told goodbye once, when his right ends, with `reauth`. @returns he has left */
  onEnd(connection: Connection): () => void;
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
  return new GuardedWatch(watch, viewer);
}

/** A class for the same reason as the watch it stands before: there is one for each stream. */
class GuardedWatch implements Watch {
  isDirty = false;
  readonly #watch: Watch;
  readonly #viewer: Viewer;

  constructor(watch: Watch, viewer: Viewer) {
    this.#watch = watch;
    this.#viewer = viewer;
  }

  get organizationId() {
    return this.#watch.organizationId;
  }

  get epoch() {
    return this.#watch.epoch;
  }

  get head() {
    return this.#watch.head;
  }

  get recovered() {
    return this.#watch.recovered;
  }

  get reason() {
    return this.#watch.reason;
  }

  get cursor() {
    return this.#watch.cursor;
  }

  get isCurrent() {
    return this.#watch.isCurrent;
  }

  take() {
    return this.#viewer.maySee(this.organizationId) ? this.#watch.take() : [];
  }

  async catchUp(isSlow: boolean) {
    const frames = await this.#watch.catchUp(isSlow);
    return this.#viewer.maySee(this.organizationId) ? frames : [];
  }

  end(): void {
    this.#watch.end();
  }
}
