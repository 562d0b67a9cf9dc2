/**
 * `npm run soak -- --minutes=20 --seed=7`: everything at once for a long time, and faults all the time. Exit code 1 when an oracle found
 * something wrong.
 *
 * Real parts: built servers as processes, PostgreSQL with durable commits, NATS where it is installed, simulated clinics that change while
 * they are read, and viewers of every kind. The seed determines the clinics, their changes, the runs and the faults; when they meet
 * differs from run to run.
 *
 * Beside bench/ and not below test/: it is a program with options of its own, runs for minutes or hours, and is no part of
 * `npm test`. It shares its viewers with the tests (test/support/viewer.ts), and like the tests runs from the sources; only the servers are
 * built.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { buildServerWhenStale } from '../test/support/build-server.ts';
import { Audience } from './audience.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { checkEverything } from './final-check.ts';
import { Findings } from './findings.ts';
import { FaultInjector } from './inject-faults.ts';
import { joinInRuns } from './join-in-runs.ts';
import { checkMemory, checkMetrics, checkPostgresLog, checkRest } from './leak-checks.ts';
import { startRuns } from './load.ts';
import { readOptions, type SoakOptions, USAGE } from './options.ts';
import { reportOf, writeReport } from './report.ts';
import { MemorySamples, readHeld } from './resources.ts';

const PROGRESS_MS = 5_000;

const startedAt = performance.now();

function say(line: string): void {
  const seconds = Math.floor((performance.now() - startedAt) / 1_000);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  process.stdout.write(`[${time}] ${line}\n`);
}

/** Aborted by Ctrl-C, SIGTERM or an error of the soak itself. */
const broken = new AbortController();
const fail = (error: unknown): void => broken.abort(error);
// npm passes a signal on that the terminal has sent to the group already: the second one means the same as the first.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => fail(`ended by ${signal}`));
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

async function main(options: SoakOptions): Promise<number> {
  say(
    `seed ${options.seed}: ${options.minutes} minutes, ${options.clinics} clinics, ${options.patients} patients`,
  );
  const findings = new Findings(say);
  await buildServerWhenStale();
  const environment = await openEnvironment(options, { say, fail, findings });
  process.once('exit', () => {
    for (const server of environment.servers) server.endAtOnce();
    environment.nats?.endAtOnce();
    environment.postgres.endAtOnce();
  });
  const over = new Promise<never>((_, reject) => {
    const end = () => reject(broken.signal.reason);
    if (broken.signal.aborted) end();
    else broken.signal.addEventListener('abort', end);
  });
  try {
    await Promise.race([soak(environment), over]);
  } finally {
    for (const server of environment.servers) server.signal('SIGCONT');
    await environment.close();
  }
  say(findings.failures === 0 ? 'nothing lost, invented or leaked' : `${findings.failures} failures`);
  return findings.failures === 0 ? 0 : 1;
}

async function soak(environment: Environment): Promise<void> {
  const { options, cliniko, findings, postgres } = environment;
  const audience = new Audience(environment);
  const injector = new FaultInjector(environment, audience);
  const samples = new MemorySamples();
  const start = await readHeld(environment);
  await audience.join();
  say(`${audience.size} viewers joined`);
  // Not AbortSignal.any and AbortSignal.timeout: Node 20 collects such a pair before its time is over.
  const over = new AbortController();
  const isOver = over.signal;
  setTimeout(() => over.abort(), options.minutes * 60_000);
  broken.signal.addEventListener('abort', () => over.abort());
  await Promise.all([
    injector.run(isOver),
    startRuns(environment, isOver),
    joinInRuns(environment, audience, isOver),
    samples.take(environment, isOver),
    printProgress(environment, audience, injector, isOver),
  ]);
  broken.signal.throwIfAborted();
  const changes = await cliniko.ask<Record<string, number>>({ what: 'rest' });
  say(`all faults are over; patients changed: ${JSON.stringify(changes)}`);
  await checkEverything(environment, audience);
  await checkMetrics(environment);
  audience.leave();
  const holding = { start, end: await checkRest(environment, start), quarters: samples.quarters };
  checkMemory(findings, options.minutes, holding.quarters);
  await checkPostgresLog(findings, postgres);
  const report = await reportOf(environment, audience, injector, holding);
  process.stdout.write(`\n${report}\n\n`);
  if (options.report) await writeReport(report);
}

async function printProgress(
  { postgres }: Environment,
  audience: Audience,
  injector: FaultInjector,
  isOver: AbortSignal,
): Promise<void> {
  while (!isOver.aborted) {
    await delay(PROGRESS_MS, undefined, { signal: isOver }).catch(() => {});
    const [row] = await postgres.read(
      (sql) => sql<{ patients: number; runs: number; running: number }[]>`
        select (select count(*)::int from patients) as patients, count(*)::int as runs,
          count(*) filter (where status = 'running')::int as running from sync_logs`,
    );
    const { polls, resets } = audience.oracle.delivered;
    say(
      `${audience.events} events, ${polls} polls, ${resets} resets, ${audience.followers.changes} changes; ${row?.patients} patients; ${row?.runs} runs, ${row?.running} of them running; ${injector.total} faults`,
    );
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  process.exitCode = await main(options).catch((error: unknown) => {
    say(`the soak ended early: ${error instanceof Error ? error.stack : error}`);
    return 2;
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  process.exitCode = 2;
}
process.exit();
