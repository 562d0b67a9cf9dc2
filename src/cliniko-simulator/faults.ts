/**
 * Things that go wrong, switched on by a test: which requests they meet, and how often.
 *
 * The oldest fault that meets a request and is not used up strikes; one request, one fault. A request refused
 * for its key or the rate limit meets none.
 *
 * Not here: what a stricken answer looks like on the wire (delivery.ts).
 */
import type { SimulatedRequest } from './journal.ts';

export type Fault = (
  | { kind: 'status'; status: number; body?: 'json' | 'text' | 'html' | 'empty' }
  /** 429. `reset` is what `X-RateLimit-Reset` says: seconds from now, or nothing, or no number. Default 1. */
  | { kind: 'rate-limited'; reset?: number | 'absent' | 'garbage'; retryAfterSeconds?: number }
  | { kind: 'redirect'; to: string }
  /** The connection is reset: before anything was said, or half-way through the body. Default nothing. */
  | { kind: 'reset'; after?: 'nothing' | 'half' }
  /** No answer, or no end of it, until `release()`. Default nothing. */
  | { kind: 'hang'; after?: 'nothing' | 'headers' | 'half' }
  /** 200 and half of the JSON, properly ended as far as HTTP can tell. */
  | { kind: 'truncated' }
  /** 200 and an HTML page, as maintenance pages do. */
  | { kind: 'html' }
  /** 200 and JSON of another shape. */
  | { kind: 'garbage'; body?: unknown }
  /**
   * The right answer with something changed: a total that lies, a list that is empty, a record that is null.
   */
  | { kind: 'altered'; alter: (envelope: Record<string, unknown>) => unknown }
  | { kind: 'slow'; ms: number }
) & {
  /** How many requests it strikes. Default: until cleared. */
  times?: number;
};

export interface Faults {
  /** Strikes requests for this page of the patient list, whatever its filters. */
  onPage(page: number, fault: Fault): void;
  /** Strikes every request, to any path. */
  onEvery(fault: Fault): void;
  onRequests(areMeant: (request: SimulatedRequest) => boolean, fault: Fault): void;
  /** Forgets all faults. Hanging requests go on hanging. */
  clear(): void;
  /** Answers all that hang, as if nothing had been wrong. */
  release(): void;
}

export interface Strike {
  fault: Fault;
  /** Resolves at the next `release()`, counted from the moment of the strike. */
  released: Promise<void>;
}

export interface FaultBox extends Faults {
  /** What strikes this request; a fault is used up by that. */
  strike(request: SimulatedRequest): Strike | undefined;
}

export function createFaults(): FaultBox {
  let armed: { areMeant: (request: SimulatedRequest) => boolean; fault: Fault; left: number }[] = [];
  const hanging: (() => void)[] = [];

  const onRequests = (areMeant: (request: SimulatedRequest) => boolean, fault: Fault) => {
    armed.push({ areMeant, fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  };

  return {
    onRequests,
    onPage: (page, fault) => onRequests((request) => request.page === page, fault),
    onEvery: (fault) => onRequests(() => true, fault),
    clear() {
      armed = [];
    },
    release() {
      for (const go of hanging.splice(0)) go();
    },
    strike(request) {
      const struck = armed.find(({ areMeant, left }) => left > 0 && areMeant(request));
      if (struck === undefined) return undefined;
      struck.left--;
      armed = armed.filter(({ left }) => left > 0);
      const { fault } = struck;
      const released = new Promise<void>((resolve) => {
        if (fault.kind === 'hang') hanging.push(resolve);
        else resolve();
      });
      return { fault, released };
    },
  };
}
