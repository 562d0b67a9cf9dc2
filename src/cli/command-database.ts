/**
 * The database that a command works on: the configured one, or the embedded one, which runs until the work is done.
 *
 * A signal ends the command and leaves no database behind. PostgreSQL runs in a process group of its own, so the signal
 * does not reach it. The handlers are there before it starts: a signal during the start waits for the start, then stops it.
 */
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../embedded-postgres/open.ts';
import { EXIT_AFTER_SIGNAL, onEndingSignal } from '../server/ending-signals.ts';
import { withTimeout } from '../timing/with-timeout.ts';

export interface CommandDatabase {
  url: string;
  /** Never resolves after a signal: the process exits, and what the command reports after it means nothing. */
  close(): Promise<void>;
}

/** A first start creates the cluster. One that replays a long write-ahead log is left to the next start. */
const LONGEST_START_MS = 10_000;

/** @throws EmbeddedDatabaseError */
export async function openCommandDatabase(config: {
  databaseUrl: string | undefined;
  dataDir: string;
}): Promise<CommandDatabase> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl, close: async () => {} };
  // In a shell without the variables of the server the command would work on another database, and seem to succeed.
  process.stderr.write(`DATABASE_URL is not set: using the embedded PostgreSQL under ${config.dataDir}\n`);
  const opening = openEmbeddedDatabase({ dataDir: config.dataDir });
  const interruption = exitOnSignal(opening);
  try {
    const { url, stop } = await opening;
    await interruption.pass();
    return { url, close: () => interruption.pass().then(stop) };
  } catch (error) {
    await interruption.pass();
    throw error;
  }
}

interface Interruption {
  /** Resolves at once, unless a signal has come: then the process exits first. */
  pass(): Promise<void>;
}

function exitOnSignal(opening: Promise<EmbeddedDatabase>): Interruption {
  let exiting = false;
  onEndingSignal(async (signal) => {
    exiting = true;
    // A failed start has stopped what it started.
    const stopped = opening.then(({ stop }) => stop()).catch(() => undefined);
    await withTimeout(LONGEST_START_MS, stopped, () => undefined);
    process.exit(EXIT_AFTER_SIGNAL[signal]);
  });
  return { pass: () => (exiting ? new Promise(() => {}) : Promise.resolve()) };
}
