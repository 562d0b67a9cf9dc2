import { Writable } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createFailureLog } from '../../src/logging/failure-log.ts';
import { createLogger } from '../../src/logging/logger.ts';

test('a failure of repeated work is a line every ten minutes, and one of another kind a line of its own', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const lines: string[] = [];
  const output = new Writable({ write: (line, _encoding, done) => done(void lines.push(String(line))) });
  const logger = createLogger({ level: 'info', format: 'json', colour: false }, output);
  const onFailed = createFailureLog(logger, 'Reading failed; the next check tries again');
  const refused = () => Object.assign(new Error('at Quokka'), { code: 'ECONNREFUSED' });

  for (let second = 0; second < 590; second += 1) {
    onFailed(refused());
    vi.advanceTimersByTime(1_000);
  }
  onFailed(new TypeError('Quokka'));
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', error: 'Error ECONNREFUSED', message: 'Reading failed; the next check tries again' },
    { level: 'warn', error: 'TypeError' },
  ]);
  expect(lines.join('')).not.toContain('Quokka');

  vi.advanceTimersByTime(10_000);
  onFailed(refused());
  expect(lines).toHaveLength(3);
});
