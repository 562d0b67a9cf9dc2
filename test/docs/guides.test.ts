/** Facts in the guides that need no commands to check. test/peers/guides.test.ts runs the commands. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { type Environment, SECRETS } from '../../src/config/rules.ts';
import { LEGACY_OPERATIONS } from '../../src/legacy/operations.ts';
import { commandsOf, guideFiles, REASONS_NOT_TO_RUN, readGuide } from './support/guides.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** These look like metrics but are claims of a JWT or a role of the database. */
const OTHER_NAMES = new Set(['patient_sync_organizations', 'patient_sync_scope', 'patient_sync_reader']);

describe('the guides', () => {
  test('are complete and contain commands', async () => {
    expect(await guideFiles()).toEqual([
      'guides/architecture.md',
      'guides/backup-and-restore.md',
      'guides/data.md',
      'guides/deploy.md',
      'guides/embed.md',
      'guides/moving-from-the-old-system.md',
      'guides/notifications.md',
      'guides/operations.md',
      'guides/proxies.md',
      'guides/quick-start.md',
      'guides/scaling.md',
      'guides/upgrade.md',
      'operations/runbook.md',
    ]);
    const commands = (await Promise.all((await guideFiles()).map(commandsOf))).flat();
    expect(commands.filter(({ notRun }) => notRun === undefined).length).toBeGreaterThan(25);
  });

  test('mark each command that is not run, with a known reason', async () => {
    const commands = (await Promise.all((await guideFiles()).map(commandsOf))).flat();
    const notRun = commands.flatMap(({ guide, notRun: why, text }) =>
      why === undefined ? [] : [`${guide} (${why}): ${text.split('\n', 1)[0]}`],
    );
    for (const { notRun: why, text } of commands) {
      if (why !== undefined) expect(Object.keys(REASONS_NOT_TO_RUN), text).toContain(why);
    }
    expect(notRun).toEqual([
      'guides/backup-and-restore.md (database): pg_dump --format=custom --file=patients.dump "$DATABASE_URL"',
      'guides/backup-and-restore.md (database): pg_restore --no-owner --no-acl --dbname="$NEW_DATABASE_URL" patients.dump',
      'guides/deploy.md (platform): heroku create && heroku addons:create heroku-postgresql',
      'guides/deploy.md (platform): fly launch --copy-config --no-deploy',
      'guides/deploy.md (platform): kubectl create secret generic patient-sync --from-literal=DATABASE_URL="$DATABASE_URL" \\',
      `guides/deploy.md (docker): (umask 077; printf 'CREDENTIALS_KEY=%s\\nPOSTGRES_PASSWORD=%s\\nBOOTSTRAP_ADMIN_TOKEN=%s\\nCLINIKO_CONTACT_EMAIL=%s\\n' "$(openssl rand -base64 32)" \\`,
      'guides/deploy.md (root): cd /opt/patient-sync && npm ci --omit=dev --omit=optional',
      'guides/embed.md (package): npm install patient-sync-client',
      'guides/operations.md (database): export MIGRATE_DATABASE_URL=postgres://owner:…@db/patients DATABASE_URL=postgres://sync_server:…@db/patients',
      'guides/operations.md (cliniko): npm run doctor -- --org 123',
      'guides/quick-start.md (ci): npm ci',
      'guides/quick-start.md (cliniko): curl -s -X POST http://localhost:8000/api/v1/organizations/7/cliniko-credentials/verify',
      'guides/upgrade.md (database): export PGPASSWORD=$(cat .data/postgres/password)',
      'guides/upgrade.md (database): mv .data/postgres .data/postgres-before',
      'guides/upgrade.md (database): export PGPASSWORD=$(cat .data/postgres/password) PGHOST=127.0.0.1 PGUSER=postgres PGPORT=$(sed -n 4p .data/postgres/data/postmaster.pid)',
      'operations/runbook.md (root): systemctl status patient-sync',
    ]);
  });

  test('draw four diagrams of known kinds', async () => {
    const blocks = [
      ...(await readGuide('guides/architecture.md')).matchAll(/^```mermaid\n([\s\S]*?)^```$/gm),
    ];
    expect(blocks.map(([, text = '']) => text.split('\n', 1)[0]?.split(' ')[0])).toEqual([
      'flowchart',
      'flowchart',
      'sequenceDiagram',
      'stateDiagram-v2',
    ]);
  });

  test('name every route of the old service for movers', async () => {
    const guide = await readGuide('guides/moving-from-the-old-system.md');
    const unnamed = LEGACY_OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`).filter(
      (route) => !guide.includes(`\`${route}\``),
    );
    expect(LEGACY_OPERATIONS.length).toBeGreaterThan(20);
    expect(unnamed).toEqual([]);
  });

  test('name every metric, and only metrics that exist', async () => {
    const { createMetrics } = await import('../../src/metrics/metrics.ts');
    const { createDatabaseStatsReader } = await import('../../src/metrics/database-stats.ts');
    expect(createDatabaseStatsReader).toBeTypeOf('function');
    const metrics = createMetrics({
      readDatabaseStats: async () => ({
        runs: { queued: 0, working: 0, abandoned: 0, foreign: 0 },
        oldestRunSeconds: 0,
        longestSilenceSeconds: 0,
        notificationQueueUsage: 0,
        quarantined: 0,
        webhooksPending: 0,
        oldestWebhookSeconds: 0,
        freshness: { overdue: 0, oldestSuccessSeconds: 0 },
      }),
      isListenerHealthy: () => true,
      isNatsConnected: () => false,
      isDraining: () => false,
      live: () => ({ sseConnections: 0, socketConnections: 0, folded: 0, closedSlow: 0 }),
    });
    const text = await metrics.read();
    const operations = await readGuide('guides/operations.md');
    const all = [...text.matchAll(/^# TYPE (patient_sync_\w+) /gm)].map(([, name = '']) => name);
    expect(all.filter((name) => !new RegExp(`\`${name}[\`{]`).test(operations))).toEqual([]);
    for (const guide of await guideFiles()) {
      for (const [name] of (await readGuide(guide)).matchAll(/\b(?:patient_sync|nodejs)_\w+/g)) {
        if (OTHER_NAMES.has(name)) continue;
        expect(text, `${guide} names ${name}`).toContain(`# TYPE ${name} `);
      }
    }
  });

  test('and the README document every environment variable, and no other', async () => {
    const read = new Set<string>();
    // An address is read with the variables about its TLS.
    const given: Environment = {
      DATABASE_URL: 'postgres://db/patients',
      CREDENTIALS_KEY: Buffer.alloc(32).toString('base64'),
    };
    const environment = new Proxy(given, {
      get(variables, name) {
        read.add(String(name));
        return variables[String(name)];
      },
    });
    readConfig(environment, [], false);
    for (const name of SECRETS) read.delete(`${name}_FILE`);
    const tables = `${await readFile(join(ROOT, 'README.md'), 'utf8')}${await readGuide('guides/operations.md')}`;
    const cells = [...tables.matchAll(/^\| ((?:`[A-Z][A-Z_]+`(?:, )?)+) \|/gm)].map(([, cell = '']) => cell);
    const documented = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
    expect(documented.sort()).toEqual([...read].sort());
  });

  test('and the README name the file of every secret', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    expect(SECRETS.size).toBeGreaterThan(10);
    expect([...SECRETS].filter((name) => !readme.includes(`\`${name}_FILE\``))).toEqual([]);
  });
});
