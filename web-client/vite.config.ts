/** The dashboard, the ops console, and the page of an unknown address. Nothing is inlined, so that a strict Content-Security-Policy holds. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { licenceFile } from '../packaging/release/licence-file.ts';

export default defineConfig({
  root: import.meta.dirname,
  // Relative: the server knows BASE_PATH, and the build does not.
  base: './',
  plugins: [react(), licenceFile('@fontsource-variable/geist/LICENSE', 'assets/geist-LICENSE.txt')],
  build: {
    emptyOutDir: true,
    license: { fileName: 'THIRD-PARTY-NOTICES.md' },
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index', 'ops', 'not-found'].map((name) => `${import.meta.dirname}/${name}.html`),
    },
  },
});
