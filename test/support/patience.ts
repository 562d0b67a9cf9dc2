/**
 * Waits for a fact have a generous limit, the same everywhere: it ends a test whose fact never comes, and never decides
 * whether a slow or busy machine passes. The limit of a test (vitest.config.ts) is longer, so that the failed wait is reported.
 */
import { vi } from 'vitest';
import { WAIT_LIMIT_MS } from './wait-limit.ts';

const { waitFor } = vi;

const waitPatiently: typeof waitFor = (fact, options = {}) => {
  const { timeout = 0, ...others } = typeof options === 'number' ? { timeout: options } : options;
  return waitFor(fact, { ...others, timeout: Math.max(timeout, WAIT_LIMIT_MS) });
};

// The files of a worker share one `vi`, and each runs this.
if (waitFor.name !== waitPatiently.name) vi.waitFor = waitPatiently;
