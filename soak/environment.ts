/** Everything that a soak starts: PostgreSQL, NATS, the clinics and the servers, in a folder of its own. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cliniko, sizesOf, startCliniko } from './cliniko.ts';
import { keyOf } from './cliniko-orders.ts';
import type { Findings } from './findings.ts';
import { type Nats, openNats } from './nats.ts';
import type { SoakOptions } from './options.ts';
import { openPostgres, type SoakPostgres } from './postgres.ts';
import { Server } from './servers.ts';
import { openWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

export interface Environment {
  options: SoakOptions;
  findings: Findings;
  postgres: SoakPostgres;
  cliniko: Cliniko;
  servers: readonly Server[];
  nats: Nats | undefined;
  webhooks: WebhookReceiver;
  /** The ids of the clinics: `organizations[n]` is the clinic n of the simulator. */
  organizations: readonly number[];
  /** Prints a line with the time since the start. */
  say(line: string): void;
  /** Ends the soak with this error. */
  fail(error: unknown): void;
  close(): Promise<void>;
}

export type Reporting = Pick<Environment, 'say' | 'fail' | 'findings'>;

const LATENCY_MS = 25;
const CHANGES_PER_SECOND = 25;

/** Opens one after another; when one fails, those before are closed. */
export async function openEnvironment(options: SoakOptions, reporting: Reporting): Promise<Environment> {
  const { say, findings } = reporting;
  const cleanups: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse())
      await Promise.resolve(cleanup()).catch((error: unknown) => say(`while closing: ${error}`));
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'patient-sync-soak-'));
    await chmod(folder, 0o755);
    cleanups.push(() => removeUnlessFailed(folder, reporting));
    const postgres = await openPostgres(join(folder, 'data'));
    cleanups.push(postgres.close);
    const nats = await openNats();
    cleanups.push(() => nats?.kill());
    say(nats === undefined ? 'nats-server is not installed: NATS is left out' : `NATS at ${nats.url}`);
    const sizes = sizesOf(options);
    const cliniko = await startCliniko({
      seed: options.seed,
      sizes,
      latencyMs: LATENCY_MS,
      changesPerSecond: CHANGES_PER_SECOND,
    });
    cleanups.push(cliniko.end);
    const webhooks = await openWebhookReceiver(findings, options.seed);
    cleanups.push(webhooks.close);
    const settings = {
      databaseUrl: postgres.url,
      clinikoUrl: cliniko.url,
      natsUrl: nats?.url,
      folder,
    };
    const servers: Server[] = [];
    cleanups.push(() => Promise.all(servers.map((server) => server.stop('SIGTERM'))));
    for (let n = 0; n < options.servers; n++)
      servers.push(await Server.open(`server-${n}`, settings, findings));
    const organizations = sizes.map((_, clinic) => 101 + clinic);
    await register(servers[0]?.url ?? '', organizations);
    await webhooks.register(servers[0]?.url ?? '');
    return { ...reporting, options, postgres, cliniko, servers, nats, webhooks, organizations, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param folder with the logs */
async function removeUnlessFailed(folder: string, { findings, say }: Reporting): Promise<void> {
  if (findings.failures === 0) await rm(folder, { recursive: true, force: true });
  else say(`The logs are in ${folder}.`);
}

async function register(url: string, organizations: readonly number[]): Promise<void> {
  for (const [clinic, id] of organizations.entries()) {
    await put(`${url}/api/v1/organizations/${id}`, { name: `Clinic ${id}` });
    await put(`${url}/api/v1/organizations/${id}/cliniko-credentials`, { api_key: keyOf(clinic) });
  }
}

async function put(url: string, body: object): Promise<void> {
  const answer = await fetch(url, { method: 'PUT', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`PUT ${url} was answered ${answer.status}: ${await answer.text()}`);
}
