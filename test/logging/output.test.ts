/** A log whose reader goes away, stops reading, or whose disk is full: lines are lost, and nothing else. */
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { createLossyOutput } from '../../src/logging/output.ts';

/** Stdout as node makes it of a file: an error does not end it. */
function disk() {
  const lines: string[] = [];
  const state = { isFull: false };
  const stream = new Writable({
    autoDestroy: false,
    decodeStrings: false,
    write(line, _encoding, done) {
      if (state.isFull) {
        done();
        stream.emit('error', Object.assign(new Error('write'), { code: 'ENOSPC' }));
      } else {
        lines.push(String(line));
        done();
      }
    },
  });
  return { lines, state, stream };
}

describe.for(['json', 'pretty'] as const)('a log in the format %s', (format) => {
  test('continues when its disk has room again', () => {
    const { lines, state, stream } = disk();
    const logger = createLogger({ level: 'info', format, colour: false }, createLossyOutput(stream));
    logger.info('first');
    state.isFull = true;
    logger.info('lost');
    state.isFull = false;
    logger.info('second');
    expect(lines.map((line) => /first|lost|second/.exec(line)?.[0])).toEqual(['first', 'second']);
  });

  test('keeps at most a megabyte for a reader that does not read', () => {
    const still = new Writable({ write: () => {} });
    const logger = createLogger({ level: 'info', format, colour: false }, createLossyOutput(still));
    for (let line = 0; line < 30_000; line += 1) logger.info('x'.repeat(100));
    expect(still.writableLength).toBeLessThan(2_000_000);
  });
});
