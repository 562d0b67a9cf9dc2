/** The client library as one file of plain JavaScript, for browsers and Node. What it uses of `zod/mini` is part of it. */
import { defineConfig } from 'vite';

const HERE = import.meta.dirname;

export default defineConfig({
  root: HERE,
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    minify: false,
    lib: {
      entry: `${HERE}/../../web-client/src/live/live-client.ts`,
      formats: ['es'],
      fileName: () => 'client.js',
    },
  },
});
