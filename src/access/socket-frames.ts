/**
 * Limits the frames that one WebSocket may send, as requests are limited, and records refusals.
 *
 * A class that holds nothing of the request, which would otherwise live as long as the socket.
 */
import type { Principal } from '../http/principal.ts';
import { problemKind } from '../http/problem.ts';
import type { FrameGuard } from '../live/stream-authorization.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Refusal, Refusals } from './refusals.ts';

/** The request that opened the socket, for the log and the audit. */
export type Origin = Omit<Refusal, 'status' | 'code'>;

export class SocketFrames implements FrameGuard {
  readonly #limits: RateLimits;
  readonly #refusals: Refusals;
  readonly #principal: Principal;
  readonly #origin: Origin;
  /** The bucket of a socket without an account. */
  readonly #number: number;

  constructor(
    { limits, refusals }: { limits: RateLimits; refusals: Refusals },
    principal: Principal,
    origin: Origin,
  ) {
    this.#limits = limits;
    this.#refusals = refusals;
    this.#principal = principal;
    this.#origin = origin;
    this.#number = limits.nextSocket();
  }

  take(): void {
    this.#limits.takeFrame(this.#principal, this.#number);
  }

  refused(code: 'FORBIDDEN' | 'TOO_MANY_REQUESTS'): void {
    void this.#refusals.record({ ...this.#origin, code, status: problemKind(code).status });
  }
}
