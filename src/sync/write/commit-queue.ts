/**
 * Commits batches in the order in which they were added. A batch may write its patients while the one before it commits: that
 * is most of the work, and it keeps two processors busy. Nothing counts before its own commit.
 */
export interface CommitQueue {
  /**
   * Adds a batch.
   *
   * @param store writes and commits the batch
   * @returns resolves when the next batch may be added: this one has written, and the one before it has committed
   */
  add(store: (order: CommitOrder) => Promise<void>): Promise<void>;
  /** Resolves when all added batches have committed. Rejects with the first failure. */
  committed(): Promise<void>;
}

export interface CommitOrder {
  /** Resolves when all batches before this one have committed. Rejects with the first failure. */
  previousCommitted: Promise<void>;
  /** Call it when the patients are written and only the commit is left. */
  onWritten: () => void;
}

export function createCommitQueue(): CommitQueue {
  let last: Promise<void> = Promise.resolve();
  return {
    async add(store) {
      const previousCommitted = last;
      let onWritten = () => {};
      const written = new Promise<void>((resolve) => {
        onWritten = resolve;
      });
      const committed = store({ previousCommitted, onWritten });
      committed.catch(() => {}); // The next batch or `committed()` receives every failure.
      last = committed;
      await Promise.all([Promise.race([written, committed]), previousCommitted]);
    },
    committed: () => last,
  };
}
