import { expect, test } from 'vitest';
import { EmbeddedDatabaseError } from '../../src/embedded-postgres/error.ts';
import { explainStartFailure } from '../../src/server/start-failure.ts';

test('the end of the log of PostgreSQL keeps its lines, and controls no terminal', () => {
  const error = new EmbeddedDatabaseError('it does not start.\nFATAL:  one\u001b[2J\nFATAL:  two');
  const shown = explainStartFailure(error);
  expect(shown).not.toContain('\u001b');
  expect(shown.split('\n')).toEqual([
    'The embedded PostgreSQL cannot be used: it does not start.',
    expect.stringContaining('FATAL:  one'),
    'FATAL:  two',
    'Set DATABASE_URL to use a PostgreSQL of your own instead.',
  ]);
  expect(explainStartFailure(new Error('one\ntwo')).split('\n')).toHaveLength(1);
});
