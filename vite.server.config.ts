/** The server as plain JavaScript, file by file: it starts in a third of the time, and in two thirds of the memory. */
import { defineConfig } from 'vite';
import { licenceFile } from './packaging/release/licence-file.ts';
import { applyPatches } from './patches/apply.ts';

applyPatches();

/** A package below `node_modules` would get lost: npm and Docker leave such folders out, wherever they lie. */
const fileName = (name: string): string =>
  `${name.replace(/.*node_modules/, 'vendor').replace(/\.js$/, '')}.js`;

/**
 * The patched driver is part of what is built, so an installation cannot run without its patch. The others are large packages of
 * which the server uses a small part: zod alone loads its messages in fifty languages.
 */
export const BUNDLED = ['postgres', 'drizzle-orm', 'libphonenumber-js', 'zod'];

export default defineConfig({
  publicDir: false,
  // drizzle-orm is under this licence too, and its package has no text of it.
  plugins: [licenceFile('@opentelemetry/api/LICENSE', 'LICENSE-Apache-2.0.txt')],
  ssr: { noExternal: BUNDLED },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    ssr: true,
    target: 'node20',
    minify: false,
    license: { fileName: 'THIRD-PARTY-NOTICES.md' },
    rolldownOptions: {
      input: [
        'main',
        'cli/demo',
        'cli/sync',
        'cli/watch',
        'cli/overview',
        'cli/migrate',
        'cli/erase',
        'cli/tokens',
        'cli/sign-in-link',
        'cli/doctor',
        'cli/import-legacy',
      ].map((name) => `src/${name}.ts`),
      output: {
        preserveModules: true,
        preserveModulesRoot: 'src',
        entryFileNames: ({ name }) => fileName(name),
      },
    },
  },
});
