/** Tests against programs that npm does not bring. Elsewhere than in CI, a missing one is named, not skipped. */
import { defineConfig } from 'vitest/config';
import { test } from './vitest.config.ts';

export default defineConfig({
  test: {
    ...test,
    globalSetup: ['test/peers/require-peers.js', ...test.globalSetup],
    include: ['test/peers/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    outputFile: { json: 'test/reports/test-peers.json' },
  },
});
