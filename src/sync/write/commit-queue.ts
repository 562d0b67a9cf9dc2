/**
 * Commits in the order in which they were added. One may write its patients while the one before it commits: that is most of
 * the work, and keeps two processors busy. Nothing counts before its own commit.
 */
export interface CommitQueue {
  /**
   * Adds a batch.
   *
   * @param store writes and commits it
   * @returns resolves when the next one may be added: this one has written, and the one before it has committed
   */
  add(store: (turn: Turn) => Promise<void>): Promise<void>;
  /** Resolves when everything that was added has committed. Rejects with the first failure. */
  committed(): Promise<void>;
}

export interface Turn {
  /** Resolves when everything before has committed. Rejects with its failure. */
  comes: Promise<void>;
  /** To be called when the patients are written, and only the commit is left. */
  onWritten: () => void;
}

export function createCommitQueue(): CommitQueue {
  let last: Promise<void> = Promise.resolve();
  return {
    async add(store) {
      const comes = last;
      let onWritten = () => {};
      const written = new Promise<void>((resolve) => {
        onWritten = resolve;
      });
      const committed = store({ comes, onWritten });
      committed.catch(() => {}); // Every failure is heard by the next batch, or by `committed()`.
      last = committed;
      await Promise.all([Promise.race([written, committed]), comes]);
    },
    committed: () => last,
  };
}
