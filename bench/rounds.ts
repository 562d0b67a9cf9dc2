/**
 * Alternating rounds (A, B, A, B …) and their medians: other load on the machine affects all candidates, and only one
 * round.
 */

/** @returns the result of each, round by round */
export async function alternate<Who, Result>(
  candidates: readonly Who[],
  rounds: number,
  run: (who: Who) => Promise<Result>,
): Promise<Map<Who, Result[]>> {
  const results = new Map<Who, Result[]>(candidates.map((who) => [who, []]));
  for (let round = 0; round < rounds; round++) {
    for (const who of candidates) results.get(who)?.push(await run(who));
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? 0;
}

/** @param share 0.95 for the p95 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Prints progress. */
export function progress(text: string): void {
  process.stdout.write(`  ${text}\n`);
}
