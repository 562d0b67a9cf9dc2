/**
 * Dead code: `npm run lint` fails on files, exports and packages that nothing uses.
 *
 * Entries are the modules that start by themselves. knip finds the others in package.json, in the configurations of vite and
 * vitest, and in `new URL('…', import.meta.url)`.
 */
import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  workspaces: {
    '.': {
      entry: [
        // bin/patient-sync.js loads these by name.
        'src/cli/{demo,doctor,erase,migrate,overview,sync,tokens,watch}.ts',
        // Scripts of index.html and ops.html.
        'web-client/src/{dashboard,ops}/main.tsx',
        // Processes that the benchmarks start.
        'bench/{cliniko-process,nudge-listeners,product-process,run}.ts',
        'bench/fan-out/{load-process,server-process}.ts',
        // Forked by soak/cliniko.ts.
        'soak/cliniko-process.ts',
        '.ci/*.mjs',
        'examples/*.ts',
      ],
      project: ['**/*.{ts,tsx,js,mjs,vue}', '!**/dist/**', '!.bench/**'],
      vite: {
        config: [
          'vite.server.config.ts',
          'web-client/vite.config.ts',
          'web-client/vite.embed.config.ts',
          'bench/vite.config.ts',
        ],
      },
      vitest: { config: ['vitest.config.ts', 'vitest.peers.config.ts'] },
    },
    'packaging/client': { entry: 'src/*.ts', vite: { config: 'vite.config.ts' } },
    'packaging/simulator': { entry: 'src/{simulator,cli}.ts', vite: { config: 'vite.config.ts' } },
  },
  // The application brings React or Vue to the client package, so they are optional there and used.
  exclude: ['optionalPeerDependencies'],
  // Of Debian packages: test/peers/require-peers.js checks that they are installed, and the soak leaves nats-server out without it.
  ignoreBinaries: ['nats-server', 'openssl', 'prometheus'],
  ignoreDependencies: [
    // Resolved by name at run time: test/browser/support/chromium.ts.
    '@sparticuz/chromium',
    // Named in the projects of test/packaging/support/framework-projects.ts.
    '@vitejs/plugin-vue',
    // Imported by web-client/src/ui/page.css, and knip reads no stylesheets.
    '@fontsource-variable/geist',
  ],
};

export default config;
