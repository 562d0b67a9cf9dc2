/**
 * Every request that arrived, so that tests can ask what a client did. It holds no keys.
 *
 * Bounded, since a demo may run for weeks: when it is full the older half is dropped.
 */

export interface SimulatedRequest {
  method: string;
  path: string;
  /** Decoded, in the order sent, without the question mark. */
  query: string;
  /** Of a request for the patient list: what `page` said, 1 when it said nothing. Otherwise null. */
  page: number | null;
  /** null until it is answered, and for ever when it is not. */
  status: number | null;
  at: Date;
  /** Requests that were being served when it had arrived, itself included. */
  inFlight: number;
  /** Mandatory headers that were missing or poor. */
  violations: string[];
}

export interface Journal {
  readonly requests: readonly SimulatedRequest[];
  note(request: SimulatedRequest): void;
  /** Resolves with the first request like this, whether it came already or is yet to come. */
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
