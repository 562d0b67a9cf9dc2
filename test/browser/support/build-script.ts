/** Builds a page's script as a user of the library would. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
/** Not a real file: it exists only in the build. */
const ENTRY = fileURLToPath(new URL('entry.tsx', import.meta.url));

/** @param source TypeScript with JSX */
export async function buildScript(source: string): Promise<string> {
  const result = await build({
    root: PROJECT,
    configFile: false,
    logLevel: 'silent',
    // Vitest's NODE_ENV would mix React's development and production builds.
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === ENTRY ? ENTRY : undefined),
        load: (id) => (id === ENTRY ? source : undefined),
      },
    ],
    build: { write: false, lib: { entry: ENTRY, formats: ['iife'], name: 'page' } },
  });
  const [output] = Array.isArray(result) ? result : [result];
  if (output === undefined || !('output' in output))
    throw new Error('The build watched instead of building.');
  return output.output[0].code;
}
