/** The files of platforms: they parse, name only variables that the server reads, and probe addresses that it answers. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFile(join(ROOT, file), 'utf8');

/** Two times that a platform has to wait: DRAIN_MS by default, and 5 s until the process is gone. */
const DRAIN_SECONDS = 5 + 5;

/** For so long a cluster may send requests to a server that it ends. */
const ROUTED_SECONDS = 5;

const Railway = z.strictObject({
  $schema: z.literal('https://railway.com/railway.schema.json'),
  build: z.strictObject({ builder: z.literal('DOCKERFILE'), dockerfilePath: z.literal('Dockerfile') }),
  // Without a restart policy, which would win over that of the dashboard.
  deploy: z.strictObject({
    healthcheckPath: z.literal('/healthz'),
    healthcheckTimeout: z.int(),
    overlapSeconds: z.int(),
    drainingSeconds: z.int().min(DRAIN_SECONDS),
  }),
});

const Render = z.strictObject({
  services: z.tuple([
    z.strictObject({
      type: z.literal('web'),
      name: z.string(),
      runtime: z.literal('docker'),
      plan: z.string(),
      healthCheckPath: z.literal('/healthz'),
      maxShutdownDelaySeconds: z.int().min(DRAIN_SECONDS).max(300),
      envVars: z.array(z.looseObject({ key: z.string() })),
    }),
  ]),
  databases: z.tuple([z.looseObject({ name: z.string(), ipAllowList: z.tuple([]) })]),
});

const Fly = z.looseObject({
  kill_signal: z.literal('SIGTERM'),
  kill_timeout: z.int().min(DRAIN_SECONDS),
  // By default a machine stays off after ten failed starts, such as without a database.
  restart: z.tuple([z.strictObject({ policy: z.literal('always') })]),
  env: z.record(z.string(), z.string()),
  http_service: z.looseObject({
    internal_port: z.int(),
    auto_stop_machines: z.literal('off'),
    checks: z.tuple([z.looseObject({ path: z.literal('/healthz') })]),
  }),
});

const Probe = z.looseObject({ httpGet: z.object({ path: z.string(), port: z.literal('http') }) });
const Deployment = z.object({
  spec: z.object({
    template: z.object({
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.int().min(ROUTED_SECONDS + DRAIN_SECONDS),
        securityContext: z.looseObject({ runAsNonRoot: z.literal(true) }),
        containers: z.tuple([
          z.looseObject({
            env: z.array(
              z.union([
                z.strictObject({ name: z.string(), value: z.string() }),
                z.strictObject({
                  name: z.string(),
                  valueFrom: z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) }),
                }),
              ]),
            ),
            ports: z.tuple([z.object({ name: z.literal('http'), containerPort: z.int() })]),
            startupProbe: Probe,
            livenessProbe: Probe,
            readinessProbe: Probe,
            lifecycle: z.strictObject({
              preStop: z.strictObject({
                exec: z.strictObject({
                  command: z.tuple([z.literal('sleep'), z.literal(String(ROUTED_SECONDS))]),
                }),
              }),
            }),
            securityContext: z.object({
              allowPrivilegeEscalation: z.literal(false),
              readOnlyRootFilesystem: z.literal(true),
              capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
            }),
          }),
        ]),
      }),
    }),
  }),
});

/** The variables that src/config reads, and for secrets their `_FILE`. */
async function expectKnown(names: readonly string[]): Promise<void> {
  const folder = join(ROOT, 'src/config');
  const files = (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8'));
  const config = (await Promise.all(files)).join('\n');
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect(config, name).toContain(`'${name.replace(/_FILE$/, '')}'`);
}

describe('the file of a platform', () => {
  test('railway.json builds the image, and gives a drain its time', async () => {
    expect(() => Railway.parse(JSON.parse('{"build": {}}'))).toThrow();
    Railway.parse(JSON.parse(await read('railway.json')));
  });

  test('render.yaml connects the server to its database, and commits no secret', async () => {
    const { services, databases } = Render.parse(parseYaml(await read('render.yaml')));
    const [{ envVars }] = services;
    await expectKnown(envVars.map(({ key }) => key));
    const variable = (name: string) => envVars.find(({ key }) => key === name);
    expect(variable('DATABASE_URL')).toMatchObject({ fromDatabase: { name: databases[0].name } });
    // Without it the start ends: no public authority signed the certificate of the database.
    expect(variable('PGSSLMODE')).toEqual({ key: 'PGSSLMODE', value: 'prefer' });
    for (const secret of ['CREDENTIALS_KEY', 'BOOTSTRAP_ADMIN_TOKEN']) {
      expect(variable(secret)).toEqual({ key: secret, generateValue: true });
    }
  });

  test('fly.toml listens where it is checked, and never stops a machine with open streams', async () => {
    const { env, http_service: service } = Fly.parse(parseToml(await read('fly.toml')));
    await expectKnown(Object.keys(env));
    expect(env.PORT).toBe(String(service.internal_port));
  });

  test('kubernetes.yaml reads secrets from files, runs without rights, and probes what tells the states apart', async () => {
    const [deployment, service] = parseAllDocuments(await read('packaging/kubernetes.yaml')).map((document) =>
      document.toJS(),
    );
    const { spec } = Deployment.parse(deployment).spec.template;
    const [container] = spec.containers;
    await expectKnown(container.env.map(({ name }) => name));
    const values = new Map(
      container.env.map((one) => [one.name, 'value' in one ? one.value : one.valueFrom]),
    );
    expect(values.get('PORT')).toBe(String(container.ports[0].containerPort));
    for (const [name, path] of values) {
      if (!name.endsWith('_FILE')) continue;
      expect(path).toBe(`/run/secrets/patient-sync/${name.replace(/_FILE$/, '')}`);
    }
    const contact = { secretKeyRef: { name: 'patient-sync', key: 'CLINIKO_CONTACT_EMAIL' } };
    expect(values.get('CLINIKO_CONTACT_EMAIL')).toEqual(contact);
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(service).toMatchObject({ spec: { selector: { app: 'patient-sync' } } });
  });
});

test('each section of the deploy guide sets the four values that every server needs', async () => {
  const guide = await read('docs/guides/deploy.md');
  const [, table = ''] = /\n((?:\|.*\n)+)/.exec(guide) ?? [];
  const names = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  expect(names).toEqual([
    'DATABASE_URL',
    'CREDENTIALS_KEY',
    'BOOTSTRAP_ADMIN_TOKEN',
    'CLINIKO_CONTACT_EMAIL',
  ]);
  /** These come with a database, whose address the platform or the file sets. */
  const withDatabase = { Heroku: 'addons:create heroku-postgresql', 'Docker Compose': 'POSTGRES_PASSWORD' };
  for (const title of ['Heroku', 'Fly', 'Kubernetes', 'Docker Compose']) {
    const [, section = ''] = new RegExp(`^## ${title}\n([\\s\\S]*?)^## `, 'm').exec(guide) ?? [];
    const commands = [...section.matchAll(/^```bash[^\n]*\n([\s\S]*?)^```$/gm)]
      .map(([, text]) => text)
      .join('');
    const database = new Map(Object.entries(withDatabase)).get(title);
    for (const name of names)
      expect(commands, title).toContain(name === 'DATABASE_URL' ? (database ?? name) : name);
  }
  const [{ envVars }] = Render.parse(parseYaml(await read('render.yaml'))).services;
  expect(envVars.map(({ key }) => key)).toEqual(expect.arrayContaining(names));
});
