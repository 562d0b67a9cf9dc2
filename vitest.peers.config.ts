/** Tests against programs that npm does not bring. Elsewhere than in CI, a missing one is named, not skipped. */
import { defineConfig } from 'vitest/config';
import { applyPatches } from './patches/apply.ts';
import { TEST_LIMIT_MS, WAIT_LIMIT_MS } from './test/support/wait-limit.ts';

applyPatches();

export default defineConfig({
  test: {
    globalSetup: ['test/peers/require-peers.js', 'test/support/global-setup.ts'],
    include: ['test/peers/**/*.test.ts'],
    // As in vitest.config.ts.
    maxWorkers: 3,
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    setupFiles: ['test/support/patience.ts'],
    testTimeout: TEST_LIMIT_MS,
    hookTimeout: TEST_LIMIT_MS,
    expect: { poll: { timeout: WAIT_LIMIT_MS } },
    reporters: ['default', 'json'],
    outputFile: { json: 'test/reports/test-peers.json' },
  },
});
