/**
 * A worker in a separate process that a test can kill: `worker-process.ts <database URL> <Cliniko URL> <CREDENTIALS_KEY>`.
 */
import { Writable } from 'node:stream';
import { ClinikoClient } from '../../src/cliniko/client.ts';
import { createPacer } from '../../src/cliniko/pacer.ts';
import { openDatabase } from '../../src/database/open.ts';
import { createSealer } from '../../src/encryption/sealer.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { Worker } from '../../src/sync/worker.ts';
import { systemClock } from '../../src/timing/clock.ts';
import { createMemoryBudget } from './memory-budget.ts';

const [databaseUrl = '', clinikoUrl = '', credentialsKey = ''] = process.argv.slice(2);
const pacer = createPacer(createMemoryBudget({ requests: 1_000_000 }, systemClock), systemClock);
new Worker({
  database: openDatabase(databaseUrl),
  sealer: createSealer(Buffer.from(credentialsKey, 'base64')),
  bus: createMemoryBus(),
  logger: createLogger(
    { level: 'fatal', format: 'json', colour: false },
    new Writable({ write: (_chunk, _encoding, done) => done() }),
  ),
  sourceFor: (apiKey) =>
    new ClinikoClient({
      apiKey,
      baseUrl: clinikoUrl,
      contactEmail: 'tests@example.com',
      pacer,
      clock: systemClock,
    }),
  perPage: 100,
  window: 4,
  runsAtOnce: 16,
});
