/** Adds a licence text to a build that the notices of vite leave out: of a font, or of a package that ships no text. */
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

const MODULES = new URL('../../node_modules/', import.meta.url);

/** @param source the text inside an installed package, such as `@opentelemetry/api/LICENSE` */
export function licenceFile(source: string, fileName: string): Plugin {
  return {
    name: 'licence-file',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName, source: readFileSync(new URL(source, MODULES)) });
    },
  };
}
