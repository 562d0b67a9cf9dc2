/** A small ascending list of positions that counts its members below any position. */
export interface SortedPositions {
  add(position: number): void;
  remove(position: number): void;
  countBelow(position: number): number;
}

export function sortedPositions(): SortedPositions {
  const members: number[] = [];
  const countBelow = (position: number) =>
    firstWhere(members.length, (at) => (members[at] ?? Number.POSITIVE_INFINITY) >= position);
  return {
    countBelow,
    add(position) {
      const at = countBelow(position);
      if (members[at] !== position) members.splice(at, 0, position);
    },
    remove(position) {
      const at = countBelow(position);
      if (members[at] === position) members.splice(at, 1);
    },
  };
}

/** The first number from 0 on that passes, `high` when none does. The predicate must be monotonic. */
export function firstWhere(high: number, passes: (at: number) => boolean): number {
  let [from, to] = [0, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (passes(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}
