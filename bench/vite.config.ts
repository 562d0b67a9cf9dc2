/**
 * The benchmarks as plain JavaScript in `.bench/`, beside the server's own modules, built as the server is (vite.server.config.ts).
 * What runs TypeScript directly wraps every function, and would be measured with it: 5 KB a connection.
 */
import { defineConfig } from 'vite';
import { applyPatches } from '../patches/apply.js';

applyPatches();

const PROCESSES = [
  'run',
  'cliniko-process',
  'product-process',
  'fan-out/server-process',
  'fan-out/load-process',
];

export default defineConfig({
  publicDir: false,
  build: {
    outDir: '.bench',
    // What Chromium was unpacked into stays.
    emptyOutDir: false,
    ssr: true,
    target: 'node20',
    minify: false,
    rolldownOptions: {
      input: PROCESSES.map((name) => `bench/${name}.ts`),
      // Where `src` would be: what it looks for beside itself (drizzle/, package.json) is there.
      output: { preserveModules: true, preserveModulesRoot: 'src', entryFileNames: '[name].js' },
    },
  },
});
