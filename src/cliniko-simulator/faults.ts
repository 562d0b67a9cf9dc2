/**
 * Failures that a test switches on: which requests they affect, and how often.
 *
 * A request gets one fault: the oldest that matches it and is not used up. A request that is rejected for its key or
 * the rate limit gets none.
 *
 * Not here: how a fault changes an answer on the wire (send-answer.ts).
 */
import type { SimulatedRequest } from './journal.ts';

export type StatusBody = 'json' | 'text' | 'html' | 'empty';

/** What a client gets before the answer hangs. */
export type SentBeforeHang = 'nothing' | 'headers' | 'half';

export type Fault = (
  | { kind: 'status'; status: number; body?: StatusBody }
  /** 429. `reset` is the value of `X-RateLimit-Reset`: seconds from now, absent, or not a number. Default 1. */
  | { kind: 'rate-limited'; reset?: number | 'absent' | 'garbage'; retryAfterSeconds?: number }
  | { kind: 'redirect'; to: string }
  /** The connection is reset: before any byte, or half-way through the body. Default nothing. */
  | { kind: 'reset'; after?: 'nothing' | 'half' }
  /** No answer, or an incomplete one, until `release()`. Default nothing. */
  | { kind: 'hang'; after?: SentBeforeHang }
  /** 200 and half of the JSON, complete as far as HTTP can tell. */
  | { kind: 'truncated' }
  /** 200 and an HTML page, as maintenance pages do. */
  | { kind: 'html' }
  /** 200 and JSON of another shape. */
  | { kind: 'garbage'; body?: unknown }
  /** The correct answer with one change: a wrong total, an empty list, a record that is null. */
  | { kind: 'altered'; alter: (envelope: Record<string, unknown>) => unknown }
  | { kind: 'slow'; ms: number }
) & {
  /** The number of requests that it affects. Default: until cleared. */
  times?: number;
};

export interface Faults {
  /** Affects requests for this page of the patient list, whatever its filters. */
  onPage(page: number, fault: Fault): void;
  /** Affects every request, to any path. */
  onEvery(fault: Fault): void;
  onRequests(areMeant: (request: SimulatedRequest) => boolean, fault: Fault): void;
  /** Removes all faults. Hanging requests stay open. */
  clear(): void;
  /** Answers all hanging requests as if there were no fault. */
  release(): void;
}

export interface AppliedFault {
  fault: Fault;
  /** Resolves at the next `release()` after the fault was applied. */
  released: Promise<void>;
}

export interface FaultBox extends Faults {
  /** The fault for this request; this uses it up once. */
  takeFault(request: SimulatedRequest): AppliedFault | undefined;
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
    takeFault(request) {
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
