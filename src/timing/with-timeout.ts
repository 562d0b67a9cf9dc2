/** Waits for work for a limited time. The work itself goes on: time-limit.ts has the signal that ends it. */

/** @param onTimeout gives the result, or throws, when `work` has not ended within `ms` */
export async function withTimeout<T, U>(
  ms: number,
  work: PromiseLike<T>,
  onTimeout: () => U,
): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  }).then(onTimeout);
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
