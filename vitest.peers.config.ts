/** Tests against programs that npm does not bring. Elsewhere than in CI, a missing one is named, not skipped. */
import { defineConfig } from 'vitest/config';
import { applyPatches } from './patches/apply.js';

applyPatches();

export default defineConfig({
  test: {
    globalSetup: ['test/peers/require-peers.ts', 'test/support/global-setup.ts'],
    include: ['test/peers/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'test/reports/test-peers.json' },
  },
});
