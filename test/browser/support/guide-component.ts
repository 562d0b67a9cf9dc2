/**
 * The React component of the monitoring guide, taken from the guide's own code fence and built as a user would.
 *
 * Around the block stand only what the guide leaves out: the import of React's hook, the type that it names, and the
 * mounting. The block itself is not changed by a character.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const GUIDE = new URL('../../guide/monitoring-guide.md', import.meta.url);
const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
/** Never written: it stands only in the build. */
const ENTRY = fileURLToPath(new URL('guide-entry.tsx', import.meta.url));

const BEFORE = `
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

interface SyncProgress {
  status: string;
  records_success: number;
  records_processed: number;
  metadata?: {
    progress_percent?: number; patients_found?: number; patients_stored?: number;
    current_page?: number; total_pages?: number;
  };
}
`;

/** The block that begins with `function SyncProgressMonitor`, as it stands in the guide. */
export async function guideComponent(): Promise<string> {
  const guide = await readFile(GUIDE, 'utf8');
  const block = /```tsx\n(function SyncProgressMonitor[\s\S]*?)```/.exec(guide)?.[1];
  if (block === undefined) throw new Error('The guide has no code block with the component any more.');
  return block;
}

/** @returns a page's script that mounts the component into `#root` */
export async function buildGuideComponent(organizationId: number): Promise<string> {
  const mount = `createRoot(document.getElementById('root')!).render(<SyncProgressMonitor orgId="${organizationId}" />);`;
  const source = `${BEFORE}\n${await guideComponent()}\n${mount}\n`;
  const result = await build({
    root: PROJECT,
    configFile: false,
    logLevel: 'silent',
    // Vitest's NODE_ENV would make it a mixture of React's development and production builds.
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'guide-entry',
        resolveId: (id) => (id === ENTRY ? ENTRY : undefined),
        load: (id) => (id === ENTRY ? source : undefined),
      },
    ],
    build: { write: false, lib: { entry: ENTRY, formats: ['iife'], name: 'guide' } },
  });
  const [output] = Array.isArray(result) ? result : [result];
  if (output === undefined || !('output' in output))
    throw new Error('The build watched instead of building.');
  return output.output[0].code;
}
