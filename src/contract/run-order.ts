/** Which of two runs of an organization is the latest: the one that started last; of two at the same time, the greater id. */

export interface RunStart {
  id: number;
  /** All times have one format, so they compare as text. */
  startedAt: string;
}

/** @returns false for the same run, and when there is no other run */
export function isEarlierRun(run: RunStart, other: RunStart | null): boolean {
  if (other === null || run.id === other.id) return false;
  return run.startedAt === other.startedAt ? run.id < other.id : run.startedAt < other.startedAt;
}
