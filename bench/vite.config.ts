/**
 * Builds the benchmarks as plain JavaScript into `.bench/`, beside the server's own modules, like the server
 * (vite.server.config.ts). A TypeScript runtime wraps every function, and would be measured too: 5 KB a connection.
 */
import { defineConfig } from 'vite';
import { applyPatches } from '../patches/apply.ts';
import { BUNDLED } from '../vite.server.config.ts';

applyPatches();

const PROCESSES = [
  'run',
  'cliniko-process',
  'product-process',
  'nudge-listeners',
  'fan-out/server-process',
  'fan-out/load-process',
];

export default defineConfig({
  publicDir: false,
  ssr: { noExternal: BUNDLED },
  build: {
    outDir: '.bench',
    // The folder of the unpacked Chromium stays.
    emptyOutDir: false,
    ssr: true,
    target: 'node20',
    minify: false,
    rolldownOptions: {
      input: PROCESSES.map((name) => `bench/${name}.ts`),
      // The counterpart of `src`: the files that it reads beside itself (drizzle/, package.json) are there.
      output: { preserveModules: true, preserveModulesRoot: 'src', entryFileNames: '[name].js' },
    },
  },
});
