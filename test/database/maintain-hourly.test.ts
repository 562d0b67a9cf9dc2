/** Maintenance at the start of a server: what another session holds is left to the next time. */
import { expect, test, vi } from 'vitest';
import { maintainHourly } from '../../src/database/maintain-hourly.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { refusal } from '../support/postgres.ts';

const FAILED = 'The work failed; the next time does it';

function silentLogger() {
  const logger = createLogger({ level: 'fatal', format: 'json', colour: false });
  return { logger, warn: vi.spyOn(logger, 'warn') };
}

test.for([
  ['55P03', 'a lock that another session holds'],
  ['40P01', 'a deadlock with another session'],
] as const)('%s, %s, is logged, and the server starts', async ([code]) => {
  const { logger, warn } = silentLogger();
  const stop = await maintainHourly(() => Promise.reject(refusal({ code })), logger, FAILED);
  stop();
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.anything(), FAILED);
});

test('any other error ends the start', async () => {
  const { logger } = silentLogger();
  const work = () => Promise.reject(refusal({ code: '42501' }));
  await expect(maintainHourly(work, logger, FAILED)).rejects.toMatchObject({ code: '42501' });
});
