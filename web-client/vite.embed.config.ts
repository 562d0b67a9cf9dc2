/** The embeddable element: one script with everything it needs, for a plain `<script src>` in any page. */
import { defineConfig } from 'vite';
import { compressedCopies } from '../packaging/release/compressed-copies.ts';

export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  plugins: [compressedCopies()],
  // zod/mini would add 7 KB (gzip) to the script: docs/decisions/0086-one-set-of-schemas.md.
  resolve: { alias: { 'zod/mini': `${import.meta.dirname}/src/embed/small-schemas.ts` } },
  build: {
    outDir: 'dist/embed',
    emptyOutDir: true,
    target: 'es2022',
    lib: {
      entry: `${import.meta.dirname}/src/embed/sync-progress.ts`,
      formats: ['iife'],
      name: 'patientSyncProgress',
      fileName: () => 'sync-progress.js',
    },
  },
});
