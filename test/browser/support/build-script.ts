/** A page's script, built as a reader of ours would build it. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
/** Never written: it stands only in the build. */
const ENTRY = fileURLToPath(new URL('entry.tsx', import.meta.url));

/** @param source TypeScript with JSX */
export async function buildScript(source: string): Promise<string> {
  const result = await build({
    root: PROJECT,
    configFile: false,
    logLevel: 'silent',
    // Vitest's NODE_ENV would make it a mixture of React's development and production builds.
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
