/** How to close what has been opened: the last one first. */
export type Cleanups = (() => Promise<void> | void)[];

/** A failed cleanup does not prevent the others. @throws the first failure, after all others have run */
export async function runCleanups(cleanups: Cleanups): Promise<void> {
  const failures: unknown[] = [];
  for (const step of cleanups.reverse()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
