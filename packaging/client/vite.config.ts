/** The client library as one file of plain JavaScript, for browsers and Node. Its dependencies are not bundled. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { defineConfig } from 'vite';

const HERE = import.meta.dirname;
const LIVE = `${HERE}/../../web-client/src/live`;
const ENTRY =
  ['live-client', 'watch-organization'].map((name) => `${LIVE}/${name}.ts`).find(existsSync) ?? '';

/** The types are compiled file by file, so the package's entry re-exports those of the sources. */
function writeTypesEntry(): void {
  mkdirSync(`${HERE}/dist/types`, { recursive: true });
  const name = relative(`${HERE}/../..`, ENTRY).replace(/\.ts$/, '.js');
  writeFileSync(`${HERE}/dist/types/entry.d.ts`, `export * from './${name}';\n`);
}

export default defineConfig({
  root: HERE,
  publicDir: false,
  plugins: [{ name: 'types-entry', closeBundle: writeTypesEntry }],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    minify: false,
    lib: { entry: ENTRY, formats: ['es'], fileName: () => 'client.js' },
    rolldownOptions: { external: ['zod'] },
  },
});
