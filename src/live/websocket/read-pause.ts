/**
 * Pauses of a client that keeps sending frames over its rate limit: it is not read for a while. A client that stays within the
 * limit has no such object.
 */

/** Consecutive frames over the rate limit before reading from the socket pauses. */
const REFUSALS_BEFORE_PAUSE = 100;
/** The first pause; each further one doubles, up to less than the ping interval: a pong is not read during a pause. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 16_000;
/** After this time without a pause the next one has the first length again. */
const PAUSE_RESET_MS = 60_000;

export class ReadPause {
  readonly #onChange: () => void;
  #refusedInARow = 0;
  #isPaused = false;
  #pauseMs = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  /** @param onChange called when a pause begins, and when it ends */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** A frame was within the limit. */
  accepted(): void {
    this.#refusedInARow = 0;
  }

  /** A frame was over the limit. */
  refused(): void {
    this.#refusedInARow += 1;
    if (this.#refusedInARow % REFUSALS_BEFORE_PAUSE === 0 && !this.#isPaused) this.#begin();
  }

  #begin(): void {
    const now = performance.now();
    const isRepeated = now - this.#pausedUntil < PAUSE_RESET_MS;
    this.#pauseMs = isRepeated ? Math.min(2 * this.#pauseMs, MAX_PAUSE_MS) : FIRST_PAUSE_MS;
    this.#pausedUntil = now + this.#pauseMs;
    this.#set(true);
    setTimeout(() => this.#set(false), this.#pauseMs).unref();
  }

  #set(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#onChange();
  }
}
