/** Measures the time during which at least one of several overlapping activities runs. */
export interface Stopwatch {
  start(): void;
  stop(): void;
  /** Milliseconds since the last lap. */
  lap(): number;
}

export function createStopwatch(): Stopwatch {
  let underWay = 0;
  let since = 0;
  let total = 0;
  return {
    start() {
      if (underWay++ === 0) since = performance.now();
    },
    stop() {
      if (--underWay === 0) total += performance.now() - since;
    },
    lap() {
      if (underWay > 0) {
        total += performance.now() - since;
        since = performance.now();
      }
      const lap = total;
      total = 0;
      return lap;
    },
  };
}
