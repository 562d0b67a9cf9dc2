import { defineConfig } from 'vitest/config';
import { applyPatches } from './patches/apply.ts';
import { TEST_LIMIT_MS, WAIT_LIMIT_MS } from './test/support/wait-limit.ts';

// The tests run on the same driver as the built server, also after `npm ci --ignore-scripts`.
applyPatches();

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', 'test/peers/**'],
    // Most of a test is waiting for another process: two at once keep two cores busy.
    maxWorkers: 2,
    restoreMocks: true,
    unstubEnvs: true,
    // The limits end a test that hangs. They are no measure of speed: the machine may be slow and busy.
    setupFiles: ['test/support/patience.ts'],
    testTimeout: TEST_LIMIT_MS,
    hookTimeout: TEST_LIMIT_MS,
    expect: { poll: { timeout: WAIT_LIMIT_MS } },
    reporters: ['default', 'json'],
    outputFile: { json: 'test/reports/npm-test.json' },
  },
});
