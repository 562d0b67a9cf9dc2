import { describe, expect, test } from 'vitest';
import { createCommitQueue } from '../../../src/sync/write/commit-queue.ts';

/** A batch whose write and commit the test completes. */
function batchOf(events: string[], name: string) {
  let write = () => {};
  let commit = () => {};
  const writing = new Promise<void>((resolve) => {
    write = resolve;
  });
  const committing = new Promise<void>((resolve) => {
    commit = resolve;
  });
  const store = async ({
    previousCommitted,
    onWritten,
  }: {
    previousCommitted: Promise<void>;
    onWritten: () => void;
  }) => {
    events.push(`${name} writes`);
    await writing;
    onWritten();
    await previousCommitted;
    await committing;
    events.push(`${name} commits`);
  };
  return { store, write: () => write(), commit: () => commit() };
}

const turns = () => new Promise((resolve) => setImmediate(resolve));

describe('a commit queue', () => {
  test('lets one batch write while the one before it commits, and commits in order', async () => {
    const events: string[] = [];
    const queue = createCommitQueue();
    const [first, second, third] = [batchOf(events, '1'), batchOf(events, '2'), batchOf(events, '3')];
    const adding = (async () => {
      for (const { store } of [first, second, third]) await queue.add(store);
    })();
    first.write();
    await turns();
    expect(events).toEqual(['1 writes', '2 writes']);
    second.write();
    second.commit();
    await turns();
    // The first batch has not committed: the second one must not commit, and the third one must not write.
    expect(events).toEqual(['1 writes', '2 writes']);
    first.commit();
    third.write();
    third.commit();
    await adding;
    await queue.committed();
    expect(events.filter((event) => event.endsWith('commits'))).toEqual([
      '1 commits',
      '2 commits',
      '3 commits',
    ]);
  });

  test('fails every batch after a failed one, with the same failure', async () => {
    const queue = createCommitQueue();
    const adding = queue.add(async () => {
      throw new Error('the first');
    });
    await expect(adding).rejects.toThrow('the first');
    const behind = queue.add(async ({ previousCommitted }) => previousCommitted);
    await expect(behind).rejects.toThrow('the first');
    await expect(queue.committed()).rejects.toThrow('the first');
  });
});
