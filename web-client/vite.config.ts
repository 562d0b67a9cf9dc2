/**
 * The dashboard, the ops console, notifications, the page of sign-in links, and the page of an unknown address. One script
 * is inlined, for which the server adds a nonce, and nothing else, so that a strict Content-Security-Policy holds.
 */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressedCopies } from '../packaging/release/compressed-copies.ts';
import { fontLoading } from '../packaging/release/font-loading.ts';
import { inlineScript } from '../packaging/release/inline-script.ts';
import { licenceFile } from '../packaging/release/licence-file.ts';

export default defineConfig(({ command }) => {
  // With NODE_ENV of a shell or a test runner, React would be built for development: larger, and each effect runs twice.
  if (command === 'build') process.env.NODE_ENV = 'production';
  return {
    root: import.meta.dirname,
    // Relative: the server knows BASE_PATH, and the build does not.
    base: './',
    plugins: [
      react(),
      fontLoading('geist-latin-wght-normal'),
      licenceFile('@fontsource-variable/geist/LICENSE', 'assets/geist-LICENSE.txt'),
      compressedCopies(),
      inlineScript(new URL('./src/ui/load-again.ts', import.meta.url)),
    ],
    build: {
      emptyOutDir: true,
      license: { fileName: 'THIRD-PARTY-NOTICES.md' },
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: ['index', 'ops', 'notifications', 'sign-in', 'not-found'].map(
          (name) => `${import.meta.dirname}/${name}.html`,
        ),
      },
    },
  };
});
