/** Empty projects with Vite, as its templates create them, that use the code of the package's README. */
import { codeBlock, newProject, type PackedPackage, runTool } from './packed-package.ts';

const README = 'packaging/client/README.md';
const GUIDE = 'docs/guides/embed.md';
/** Where the built pages are served. */
export const BASE = '/app/';

/** The code of the README follows a server of its own origin instead of its example. */
const ofOwnOrigin = async (file: string): Promise<string> =>
  (await codeBlock(README, file)).replaceAll('https://sync.example.com', '');

const page = (script: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>App</title>
<div id="root"></div><script type="module" src="/${script}"></script></html>`;

const config = (plugin: string) => `import plugin from '${plugin}';
export default { base: '${BASE}', plugins: [plugin()] };
`;

export async function reactProject(packed: PackedPackage): Promise<string> {
  const used = ['react', 'react-dom', '@types/react', 'vite', '@vitejs/plugin-react'];
  return newProject(packed, 'react-project', used, {
    'index.html': page('main.jsx'),
    'vite.config.js': config('@vitejs/plugin-react'),
    'ClinicSync.jsx': await ofOwnOrigin('ClinicSync.jsx'),
    'main.jsx': `import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ClinicSync, OwnClinicSync } from './ClinicSync.jsx';
createRoot(document.getElementById('root')).render(<StrictMode><ClinicSync /><OwnClinicSync /></StrictMode>);
`,
    'GuardedSync.jsx': await codeBlock(GUIDE, 'GuardedSync.jsx'),
    'server.jsx': `import { renderToString } from 'react-dom/server';
import { ClinicSync, OwnClinicSync } from './ClinicSync.jsx';
import { GuardedPercent, GuardedSync } from './GuardedSync.jsx';
Date.now = () => { throw new Error('Next.js refuses to prerender this.'); };
console.log(renderToString(<><ClinicSync /><OwnClinicSync /><GuardedSync /><GuardedPercent /></>));
`,
    'ClinicTag.tsx': await codeBlock(README, 'ClinicTag.tsx'),
    'types.tsx': `import { SyncProgress, useSyncProgress } from 'patient-sync-client/react';
export function Own() {
  const { percent, progress } = useSyncProgress(123, { getStreamToken: async (why) => why });
  // @ts-expect-error: it is a number, and not anything
  const text: string | undefined = progress?.records_success;
  const style = { marginBlock: 8, '--sync-progress-accent': 'rebeccapurple' };
  return <SyncProgress orgId={percent} label={text} style={style} onEnd={({ log }) => log?.status} />;
}
export const coloured = <SyncProgress orgId={1} style={{ '--sync-progress-accent': 'rebeccapurple', margin: 0 }} />;
// @ts-expect-error: which organization?
export const none = <SyncProgress />;
export const tag = <sync-progress org="123" start getStreamToken={async () => null} onsync-end={({ detail }) => detail.log?.status} />;
// @ts-expect-error: which organization?
export const noTag = <sync-progress label="Patients" />;
`,
  });
}

export async function vueProject(packed: PackedPackage): Promise<string> {
  const used = ['vue', 'vite', '@vitejs/plugin-vue'];
  return newProject(packed, 'vue-project', used, {
    'index.html': page('main.js'),
    'vite.config.js': config('@vitejs/plugin-vue'),
    'ClinicSync.vue': await ofOwnOrigin('ClinicSync.vue'),
    'main.js': `import { createApp } from 'vue';
import ClinicSync from './ClinicSync.vue';
createApp(ClinicSync, { org: 123 }).mount('#root');
`,
    'GuardedSync.vue': await codeBlock(GUIDE, 'GuardedSync.vue'),
    'server.js': `import { createSSRApp } from 'vue';
import { renderToString } from 'vue/server-renderer';
import ClinicSync from './ClinicSync.vue';
import GuardedSync from './GuardedSync.vue';
console.log(await renderToString(createSSRApp(ClinicSync, { org: 123 })));
console.log(await renderToString(createSSRApp(GuardedSync)));
`,
    'types.ts': `import { useSyncProgress } from 'patient-sync-client/vue';
const { percent, progress } = useSyncProgress(() => '123', { baseUrl: '' });
export const value: number = percent.value;
// @ts-expect-error: it is a number, and not anything
export const text: string | undefined = progress.value?.records_success;
`,
  });
}

/** Builds the page into `dist/`, and what renders it on a server into `server/`. */
export async function buildProject(project: string, serverEntry: string): Promise<void> {
  await runTool('vite/bin/vite.js', ['build', '--logLevel', 'warn'], project);
  await runTool(
    'vite/bin/vite.js',
    ['build', '--logLevel', 'warn', '--ssr', serverEntry, '--outDir', 'server'],
    project,
  );
}
