/** A server whose log is read by a program that ends, as in `npm start | head`. */
import { expect, onTestFinished } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { test } from '../support/database.ts';
import { startServerProcess } from '../support/server-process.ts';

test('continues, and completes a sync', async ({ databaseUrl }) => {
  const cliniko = await startClinikoSimulator({ patients: 30, requestsPerMinute: Infinity });
  onTestFinished(() => cliniko.close());
  const server = await startServerProcess({ cliniko, databaseUrl });
  server.child.stdout?.destroy();
  await server.start();
  expect(await server.until((log) => log.status !== 'running')).toMatchObject({
    status: 'completed',
    records_processed: 30,
  });
  expect(server.child.exitCode).toBeNull();
});
