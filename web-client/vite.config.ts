/** Two pages: the dashboard and the ops console. Nothing is inlined, so that a strict Content-Security-Policy holds. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: `${import.meta.dirname}/index.html`, ops: `${import.meta.dirname}/ops.html` },
    },
  },
});
