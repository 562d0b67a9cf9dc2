import { describe, expect, test } from 'vitest';
import { createLookahead } from '../../../src/sync/write/commit-queue.ts';

describe('reading ahead', () => {
  test('knows when all that was handed on was taken, and not before', async () => {
    const ahead = createLookahead();
    await ahead.allTaken();
    const heard: string[] = [];
    for (const part of ['first', 'second', 'third']) {
      ahead.handOn();
      heard.push(`${part} handed on`);
    }
    const all = ahead.allTaken().then(() => heard.push('all taken'));
    for (const part of ['first', 'second', 'third']) {
      // A turn for whoever waits, who must not be satisfied yet.
      await Promise.resolve();
      heard.push(`${part} taken`);
      ahead.take();
    }
    await all;

    expect(heard.slice(-2)).toEqual(['third taken', 'all taken']);
  });
});
