/**
 * The circuit breaker: reduces the requests to a Cliniko that does not respond properly. Requests wait instead of failing.
 *
 * While the requests of one API key fail, one page retries and the other pages of the key wait for its success. While a
 * whole host fails, every retry to it waits longer. The first request of a key is always sent: a host may reject one account
 * and serve another, so one account's failures never delay another account.
 *
 * Not here: how often a page is tried (retry.ts), the request budget (request-budget.ts).
 */
import { waitForTurn } from '../timing/wait-for-turn.ts';
import { keepForKeys } from './keep-for-keys.ts';
import type { RequestOptions, WaitNotice } from './source.ts';

/** A host counts as failing after this many consecutive failures, over all keys. */
const HOST_FAILS_AFTER = 5;

export interface CircuitBreaker {
  /** Resolves when this page may send its request. Rejects with the signal's reason. */
  enter(page: RequestOptions): Promise<void>;
  /** Cliniko did not respond properly to this page: if no other page retries, this one does from now on. */
  failed(page: RequestOptions): void;
  /** Cliniko responded to this page, possibly with a rejection or a rate limit: all pages may send. */
  answered(page: RequestOptions): void;
  /** Reports a wait to this page and to the pages that wait for it. */
  report(page: RequestOptions, notice: WaitNotice): void;
  /** This page sends no more requests. */
  leave(page: RequestOptions): void;
  readonly isHostFailing: boolean;
}

export interface CircuitBreakers {
  /** Returns the same breaker for the same key at the same host. */
  forKey(apiKey: string, host: string): CircuitBreaker;
}

interface Host {
  failuresInARow: number;
}

export function createCircuitBreakers(): CircuitBreakers {
  const hosts = new Map<string, Host>();
  const keep = keepForKeys<CircuitBreaker>();
  return {
    forKey(apiKey, name) {
      const host = hosts.get(name) ?? { failuresInARow: 0 };
      hosts.set(name, host);
      return keep(`${name} ${apiKey}`, () => createBreaker(host));
    },
  };
}

function createBreaker(host: Host): CircuitBreaker {
  const waiting = new Set<{ page: RequestOptions; go: () => void }>();
  let trying: RequestOptions | undefined;
  let current: WaitNotice | undefined;
  const open = (): void => {
    trying = undefined;
    current = undefined;
    for (const { go } of waiting) go();
  };
  return {
    get isHostFailing() {
      return host.failuresInARow >= HOST_FAILS_AFTER;
    },
    async enter(page) {
      while (trying !== undefined && trying !== page) {
        if (current !== undefined) page.onWait?.(current);
        await waitForTurn(page.signal, (go) => {
          const entry = { page, go };
          waiting.add(entry);
          return () => waiting.delete(entry);
        });
      }
    },
    failed(page) {
      host.failuresInARow += 1;
      trying ??= page;
    },
    answered() {
      host.failuresInARow = 0;
      open();
    },
    report(page, notice) {
      page.onWait?.(notice);
      if (trying !== page) return;
      current = notice;
      for (const other of waiting) other.page.onWait?.(notice);
    },
    leave(page) {
      if (trying === page) open();
    },
  };
}
