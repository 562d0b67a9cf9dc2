/**
 * The React component of the monitoring guide, taken from the guide's own code fence and built as a user would.
 *
 * Only what the guide leaves out is added around the block: the import of React's hook, the type that it names, and
 * the mounting. The block itself is unchanged.
 */
import { readFile } from 'node:fs/promises';
import { buildScript } from './build-script.ts';

const GUIDE = new URL('../../guide/monitoring-guide.md', import.meta.url);

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

/** The block that begins with `function SyncProgressMonitor`, as in the guide. */
async function guideComponent(): Promise<string> {
  const guide = await readFile(GUIDE, 'utf8');
  const block = /```tsx\n(function SyncProgressMonitor[\s\S]*?)```/.exec(guide)?.[1];
  if (block === undefined) throw new Error('The guide has no code block with the component any more.');
  return block;
}

/** @returns a page's script that mounts the component into `#root` */
export async function buildGuideComponent(organizationId: number): Promise<string> {
  const mount = `createRoot(document.getElementById('root')!).render(<SyncProgressMonitor orgId="${organizationId}" />);`;
  return await buildScript(`${BEFORE}\n${await guideComponent()}\n${mount}\n`);
}
