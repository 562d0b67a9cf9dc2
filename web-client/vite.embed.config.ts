/** The embeddable element: one script with everything it needs, for a plain `<script src>` in any page. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
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
