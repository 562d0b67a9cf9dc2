/**
 * The servers: built, each a process with its own port, which stays when another process takes its place. Everything that they log is
 * searched for patient data and kept in files.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { CREDENTIALS_KEY } from '../bench/product.ts';
import { builtEntry } from '../test/support/build-server.ts';
import { freePort } from '../test/support/free-port.ts';
import type { Findings } from './findings.ts';
import { expectNoPatientData } from './patient-data.ts';

const NO_PATIENT_DATA = 'logs of the servers contain no patient data';
const STAYS = 'no server ends without a signal';
const DRAINS = 'a server ends in time after SIGTERM, with code 0';

/** A server that loses its database while it starts ends; its supervisor starts it again. PostgreSQL may recover for a while. */
const STARTS_FOR_MS = 180_000;
const START_PAUSE_MS = 250;
const START_WITHIN_MS = 60_000;
const DRAIN_MS = 2_000;
/** Beyond the drain; docs/guides/operations.md promises 5 s, on a machine that is not as busy as this one. */
const STOP_WITHIN_MS = DRAIN_MS + 20_000;

export interface ServerSettings {
  databaseUrl: string;
  clinikoUrl: string;
  natsUrl: string | undefined;
  /** For the log files. */
  folder: string;
}

/** The address of each server, from the one with this number on. */
export function addressesFrom(servers: readonly Pick<Server, 'url'>[], first: number): string[] {
  const start = first % servers.length;
  return [...servers.slice(start), ...servers.slice(0, start)].map(({ url }) => url);
}

export class Server {
  readonly name: string;
  readonly url: string;
  failedStarts = 0;
  logLines = 0;
  readonly #port: number;
  readonly #settings: ServerSettings;
  readonly #findings: Findings;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #isExpectedToEnd = false;

  private constructor(name: string, port: number, settings: ServerSettings, findings: Findings) {
    this.name = name;
    this.url = `http://127.0.0.1:${port}`;
    this.#port = port;
    this.#settings = settings;
    this.#findings = findings;
    this.#log = createWriteStream(`${settings.folder}/${name}.log`);
  }

  static async open(name: string, settings: ServerSettings, findings: Findings): Promise<Server> {
    const server = new Server(name, await freePort(), settings, findings);
    await server.start();
    return server;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isUp(): boolean {
    return this.#child !== undefined && !this.#isExpectedToEnd;
  }

  async start(): Promise<void> {
    for (const deadline = performance.now() + STARTS_FOR_MS; ; await delay(START_PAUSE_MS)) {
      if (await this.#tryToStart()) return;
      this.failedStarts += 1;
      if (performance.now() > deadline)
        throw new Error(`${this.name} does not start; its log is ${String(this.#log.path)}.`);
    }
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** Ends the process, and waits for that. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#isExpectedToEnd = true;
    const exit = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    const [code, endedBy] = await exit;
    clearTimeout(timer);
    this.#child = undefined;
    this.#isExpectedToEnd = false;
    if (signal === 'SIGTERM')
      this.#findings.expect(DRAINS, code === 0, () => `${this.name} ended with ${code ?? endedBy}`);
  }

  /** When the soak itself has to end at once. */
  endAtOnce(): void {
    this.#isExpectedToEnd = true;
    this.#child?.kill('SIGKILL');
  }

  /** @returns false when it ended before it listened */
  async #tryToStart(): Promise<boolean> {
    const child = spawn(process.execPath, [builtEntry('main')], {
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches the soak only, which ends its processes in order.
      detached: true,
    });
    this.#child = child;
    const isUp = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), START_WITHIN_MS);
      const settle = (is: boolean) => {
        clearTimeout(timer);
        resolve(is);
      };
      child.once('exit', () => settle(false));
      for (const output of [child.stdout, child.stderr])
        createInterface(output).on('line', (line) => {
          this.#take(line);
          if (line.includes(' listens on http')) settle(true);
        });
    });
    if (!isUp) {
      this.#child = undefined;
      return false;
    }
    child.once('exit', (code, signal) => {
      if (this.#isExpectedToEnd) return;
      this.#findings.fail(STAYS, `${this.name} ended with ${code ?? signal}; its log: ${this.#log.path}`);
      this.#child = undefined;
    });
    this.#findings.pass(STAYS);
    return true;
  }

  #take(line: string): void {
    this.logLines += 1;
    this.#log.write(`${line}\n`);
    expectNoPatientData(this.#findings, NO_PATIENT_DATA, this.name, line);
  }

  #environment(): NodeJS.ProcessEnv {
    const { PATH, HOME, TMPDIR } = process.env;
    const { databaseUrl, clinikoUrl, natsUrl } = this.#settings;
    return {
      ...{ PATH, HOME, TMPDIR },
      PORT: String(this.#port),
      DATABASE_URL: databaseUrl,
      CREDENTIALS_KEY: CREDENTIALS_KEY.toString('base64'),
      CLINIKO_BASE_URL: clinikoUrl,
      // Not in a range of the simulated patients, so it may be logged.
      CLINIKO_CONTACT_EMAIL: 'soak@invalid.test',
      CLINIKO_REQUESTS_PER_MINUTE: '1000000',
      LIMIT_REQUESTS_PER_TOKEN: '10000000',
      LIMIT_REQUESTS_PER_ORGANIZATION: '10000000',
      DRAIN_MS: String(DRAIN_MS),
      WEBHOOKS_ALLOW_LOOPBACK: 'true',
      // A connection that is kept for the next request is not a leak.
      KEEP_ALIVE_MS: '5000',
      LOG_LEVEL: 'debug',
      LOG_FORMAT: 'json',
      ...(natsUrl !== undefined && { NATS_URL: natsUrl }),
    };
  }
}
