import { defineConfig } from 'vitest/config';
import { applyPatches } from './patches/apply.js';

// The tests run on the same driver as the built server, also after `npm ci --ignore-scripts`.
applyPatches();

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', 'test/peers/**'],
    // Most of a test is waiting for another process: two at once keep two cores busy.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'test/reports/npm-test.json' },
  },
});
