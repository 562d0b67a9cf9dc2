/**
 * The client library as plain JavaScript, one file an entry and what they share. What it uses of `zod/mini` is part of
 * it; React and Vue are those of the application.
 */
import { defineConfig } from 'vite';

const HERE = import.meta.dirname;
const entry = Object.fromEntries(
  ['client', 'react', 'vue', 'element'].map((name) => [name, `${HERE}/src/${name}.ts`]),
);

export default defineConfig({
  root: HERE,
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    minify: false,
    // Of what is bundled.
    license: { fileName: 'third-party-licenses.md' },
    lib: { entry, formats: ['es'] },
    rolldownOptions: {
      external: ['react', 'vue'],
      output: {
        // A bundler leaves out whole modules that are not used, and keeps schemas of a module that is. npm packs no node_modules.
        preserveModules: true,
        entryFileNames: ({ name }) => `${name.replace('node_modules', 'third-party')}.js`,
        // Next.js renders the components of this entry in the browser too.
        banner: ({ name }) => (name === 'react' ? "'use client';" : ''),
      },
    },
  },
});
