/** The two formats of the log. Who may lose lines, and when: output.test.ts. */
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';

function logOf(format: 'json' | 'pretty', colour = false): string {
  let written = '';
  const output = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  });
  const logger = createLogger({ level: 'info', format, colour }, output);
  logger.debug('Not written at this level');
  logger.info({ organization_id: 123 }, 'Sync started');
  logger.warn({ organization_id: 123 }, 'Sync is slow');
  return written;
}

test('JSON lines name the level in a word and the text "message", as log services expect', () => {
  const lines = logOf('json')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(lines).toEqual([
    { level: 'info', time, organization_id: 123, message: 'Sync started' },
    { level: 'warn', time, organization_id: 123, message: 'Sync is slow' },
  ]);
});

test('pretty lines show the fields of a warning only', () => {
  expect(logOf('pretty')).toBe('[INFO] Sync started\n[WARN] Sync is slow organization_id=123\n');
  expect(logOf('pretty', true)).toContain('\x1b[33m[WARN]\x1b[0m Sync is slow');
});
