import { defineConfig } from 'vitest/config';
import type { InlineConfig } from 'vitest/node';
import { applyPatches } from './patches/apply.ts';
import { TEST_LIMIT_MS, WAIT_LIMIT_MS } from './test/support/wait-limit.ts';

// The tests run on the same driver as the built server, also after `npm ci --ignore-scripts`.
applyPatches();

/** vitest.peers.config.ts changes which files it runs. */
export const test = {
  globalSetup: ['test/support/global-setup.ts'],
  include: ['test/**/*.test.{ts,tsx}'],
  exclude: ['**/node_modules/**', 'test/peers/**'],
  // A test also waits for time to pass: three at once keep two cores busy.
  maxWorkers: 3,
  // A worker loads the sources once for all its files: no test replaces a module or leaves a global changed.
  isolate: false,
  restoreMocks: true,
  unstubEnvs: true,
  // The limits end a test that hangs. They are no measure of speed: the machine may be slow and busy.
  setupFiles: ['test/support/patience.ts'],
  testTimeout: TEST_LIMIT_MS,
  hookTimeout: TEST_LIMIT_MS,
  expect: { poll: { timeout: WAIT_LIMIT_MS } },
  reporters: ['default', 'json'],
  outputFile: { json: 'test/reports/npm-test.json' },
} satisfies InlineConfig;

export default defineConfig({ test });
