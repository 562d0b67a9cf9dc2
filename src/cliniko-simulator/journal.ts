/**
 * Records every request, so that tests can check what a client did. It contains no keys.
 *
 * Bounded, since a demo may run for weeks: a full journal drops its older half.
 */

export interface SimulatedRequest {
  method: string;
  path: string;
  /** Decoded, in the order sent, without the question mark. */
  query: string;
  /** For a request for the patient list: the value of `page`, by default 1. Otherwise null. */
  page: number | null;
  /** Null until the request is answered; it stays null when it never is. */
  status: number | null;
  at: Date;
  /** Concurrent requests at its arrival, including itself. */
  inFlight: number;
  /** Mandatory headers that were missing or invalid. */
  violations: string[];
}

export interface Journal {
  readonly requests: readonly SimulatedRequest[];
  note(request: SimulatedRequest): void;
  /** Resolves with the first matching request, past or future. */
  requested(isMeant: (request: SimulatedRequest) => boolean): Promise<SimulatedRequest>;
}

const MOST_REQUESTS = 100_000;

export function createJournal(): Journal {
  const requests: SimulatedRequest[] = [];
  const waiting = new Set<(request: SimulatedRequest) => void>();

  return {
    requests,
    note(request) {
      if (requests.length >= MOST_REQUESTS) requests.splice(0, MOST_REQUESTS / 2);
      requests.push(request);
      for (const hear of [...waiting]) hear(request);
    },
    requested(isMeant) {
      const past = requests.find(isMeant);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve) => {
        const hear = (request: SimulatedRequest) => {
          if (!isMeant(request)) return;
          waiting.delete(hear);
          resolve(request);
        };
        waiting.add(hear);
      });
    },
  };
}
