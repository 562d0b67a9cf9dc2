/**
 * How many active or archived patients come before a position: arithmetic on the arrivals, plus a lookup in four short lists
 * of the patients whose visibility differs from that at their arrival.
 */
import { type SortedPositions, sortedPositions } from './sorted-positions.ts';

export type Visibility = 'active' | 'archived';
/** The patients that a list includes. */
export type View = Visibility | 'all';

/** The visibility of patients that nothing has changed. */
export interface UnchangedVisibility {
  visibilityAt(position: number): Visibility;
  archivedBefore(position: number): number;
}

export interface VisibilityCounts {
  before(view: View, position: number): number;
  /** @param now undefined: permanently deleted */
  note(position: number, now: Visibility | undefined): void;
}

export function createVisibilityCounts({
  visibilityAt,
  archivedBefore,
}: UnchangedVisibility): VisibilityCounts {
  const moves: Record<Visibility, { left: SortedPositions; joined: SortedPositions }> = {
    active: { left: sortedPositions(), joined: sortedPositions() },
    archived: { left: sortedPositions(), joined: sortedPositions() },
  };

  function countBefore(visibility: Visibility, position: number): number {
    const archived = archivedBefore(position);
    const { left, joined } = moves[visibility];
    const unchanged = visibility === 'archived' ? archived : position - archived;
    return unchanged + joined.countBelow(position) - left.countBelow(position);
  }

  return {
    before: (view, position) =>
      view === 'all'
        ? countBefore('active', position) + countBefore('archived', position)
        : countBefore(view, position),
    note(position, now) {
      for (const visibility of ['active', 'archived'] as const) {
        const { left, joined } = moves[visibility];
        const [wasThere, isThere] = [visibilityAt(position) === visibility, now === visibility];
        if (wasThere && !isThere) left.add(position);
        else left.remove(position);
        if (isThere && !wasThere) joined.add(position);
        else joined.remove(position);
      }
    },
  };
}
