/** The simulated Cliniko as plain JavaScript for Node: the module, the program, and what they share. */
import { defineConfig } from 'vite';

const HERE = import.meta.dirname;

export default defineConfig({
  root: HERE,
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    ssr: true,
    target: 'node20',
    minify: false,
    rolldownOptions: {
      // Else the module also exports what only the program needs.
      preserveEntrySignatures: 'strict',
      input: ['simulator', 'cli'].map((name) => `${HERE}/src/${name}.ts`),
      output: { entryFileNames: '[name].js', chunkFileNames: 'shared/[name].js' },
    },
  },
});
