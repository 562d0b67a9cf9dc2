/** The files of the container image, as far as they can be judged without Docker. Its contents: test/peers/image.test.ts. */
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DockerfileParser, type From, type Instruction, type JSONInstruction } from 'dockerfile-ast';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readConnectionSettings } from '../../src/database/address-parameters.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

async function dockerfile() {
  return DockerfileParser.parse(await readFile(join(ROOT, 'Dockerfile'), 'utf8'));
}

const named = (instructions: readonly Instruction[], name: string) =>
  instructions.filter((instruction) => instruction.getKeyword() === name);

/** What `npm start` passes to Node.js. */
async function startFlags(): Promise<string[]> {
  const { scripts } = z
    .object({ scripts: z.object({ start: z.string() }) })
    .parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));
  return scripts.start.match(/--\S+/g) ?? [];
}

const words = (instruction: Instruction) => instruction.getArguments().map((argument) => argument.getValue());

describe('the Dockerfile', () => {
  test('builds in one stage and runs in another, both of one pinned version', async () => {
    const file = await dockerfile();
    const stages = file.getFROMs();
    const images = stages.map((stage: From) => stage.getImage());
    // A full version: the same Dockerfile builds the same image later. The release workflow records the digest.
    expect(images[0]).toMatch(/^node:24\.\d+\.\d+-bookworm-slim$/);
    expect(images).toEqual([images[0], images[0]]);
    expect(stages.map((stage: From) => stage.getBuildStage())).toEqual(['build', null]);
  });

  test('runs as a user without rights, handles signals, and has a health check', async () => {
    const file = await dockerfile();
    const last = file.getInstructions();
    const begin = last.findLastIndex((instruction) => instruction.getKeyword() === 'FROM');
    const final = last.slice(begin);
    expect(named(final, 'USER').map(words)).toEqual([['node']]);
    const order = final.map((instruction) => instruction.getKeyword());
    expect(order.lastIndexOf('COPY')).toBeLessThan(order.indexOf('USER'));
    expect(order.slice(order.indexOf('USER'))).not.toContain('RUN');
    const [command] = named(final, 'CMD') as JSONInstruction[];
    expect(command?.getJSONStrings().map((text) => text.getJSONValue())).toEqual([
      'node',
      ...(await startFlags()),
      'dist/main.js',
    ]);
    expect(named(final, 'HEALTHCHECK')).toHaveLength(1);
    expect(named(final, 'EXPOSE').map(words)).toEqual([['8000']]);
  });

  test('and the unit of systemd pass the same options to Node.js as `npm start`', async () => {
    const unit = await readFile(join(ROOT, 'packaging/patient-sync.service'), 'utf8');
    const flags = await startFlags();
    expect(flags).not.toEqual([]);
    expect(unit).toContain(`\nExecStart=/usr/bin/node ${flags.join(' ')} dist/main.js\n`);
  });

  test('holds no secret, fetches nothing by address, and copies what there is', async () => {
    const file = await dockerfile();
    const all = file.getInstructions();
    expect(named(all, 'ADD')).toEqual([]);
    expect(named(all, 'ARG')).toEqual([]);
    const settings = named(all, 'ENV').flatMap(words).join(' ');
    expect(settings).not.toMatch(/key|password|secret|database_url/i);
    expect(named(all, 'RUN').flatMap(words).join(' ')).not.toMatch(/curl|wget|sudo|chmod 777/);
    const copies = named(all, 'COPY').map(words);
    for (const copied of copies) {
      const sources = copied.slice(0, -1).map((path) => path.replace(/^\/app\//, ''));
      for (const source of sources) await expect(access(join(ROOT, source)), source).resolves.toBe(undefined);
    }
    const ignored = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).trim().split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['.git', '.data', '**/node_modules', '**/dist']));
  });
});

const Compose = z.object({
  services: z.object({
    server: z.object({
      build: z.literal('.'),
      read_only: z.literal(true),
      mem_limit: z.string(),
      pids_limit: z.int(),
      cap_drop: z.tuple([z.literal('ALL')]),
      environment: z.record(z.string(), z.string()),
      ports: z.array(z.string()),
      depends_on: z.object({ database: z.object({ condition: z.literal('service_healthy') }) }),
    }),
    database: z.object({
      cap_drop: z.tuple([z.literal('ALL')]),
      networks: z.tuple([z.literal('database')]),
      mem_limit: z.string(),
      image: z.string().regex(/^postgres:(1[4-9])/),
      environment: z.record(z.string(), z.string()),
      volumes: z.array(z.string()),
      healthcheck: z.object({ test: z.array(z.string()) }),
    }),
  }),
  networks: z.object({ database: z.object({ internal: z.literal(true) }) }),
  configs: z.object({ roles: z.object({ content: z.string() }) }),
  volumes: z.record(z.string(), z.null()),
});

describe('compose.yaml', () => {
  test('starts the server beside a healthy PostgreSQL that keeps its data, with secrets from outside', async () => {
    const { services, volumes } = Compose.parse(parse(await readFile(join(ROOT, 'compose.yaml'), 'utf8')));
    const { server, database } = services;
    expect(server.environment.CREDENTIALS_KEY).toBe(`\${CREDENTIALS_KEY:?}`);
    expect(server.environment.PGPASSWORD).toBe(`\${POSTGRES_PASSWORD:?}`);
    vi.stubEnv('PGPASSWORD', 'p@ss/w:rd?#%41');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(readConnectionSettings(server.environment.DATABASE_URL ?? '')).toMatchObject({
      hosts: [{ host: 'database', port: 5432 }],
      password: 'p@ss/w:rd?#%41',
    });
    expect(database.environment.POSTGRES_PASSWORD).toBe(`\${POSTGRES_PASSWORD:?}`);
    expect(server.ports).toEqual(['127.0.0.1:8000:8000']);
    expect(Object.keys(volumes)).toEqual(['database']);
    expect(database.volumes[0]).toMatch(/^database:/);
  });

  test('sets only variables that the server reads', async () => {
    const { services } = Compose.parse(parse(await readFile(join(ROOT, 'compose.yaml'), 'utf8')));
    const files = (await readdir(join(ROOT, 'src/config'))).map((name) => join(ROOT, 'src/config', name));
    const config = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
    const { PGPASSWORD, ...environment } = services.server.environment;
    expect(PGPASSWORD).toBeDefined();
    for (const name of Object.keys(environment)) expect(config, name).toContain(`'${name}'`);
  });
});
