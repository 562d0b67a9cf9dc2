/** What delivery tells of its work, for whoever counts it (metrics/). */
export interface LiveObserver {
  /** An event was read from the log and handed to the sockets of those who watch. @param committedAt ISO 8601 UTC */
  delivered(committedAt: string): void;
  /** A reader could not keep up: what it missed became one snapshot, or its connection was ended. */
  slowReader(fate: 'folded' | 'closed'): void;
}

export type Transport = 'sse' | 'websocket';
