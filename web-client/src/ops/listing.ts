/** Which organizations the console lists, and in which order. Pure. */
import type { EverythingState } from '../live/everything-state.ts';
import type { OrganizationState } from '../live/organization-state.ts';

/** How an organization stands; also what the console can be narrowed down to. */
export const STANDINGS = ['failed', 'running', 'completed', 'never'] as const;
export type StandingWord = (typeof STANDINGS)[number];

export function standingOf({ log }: OrganizationState): StandingWord {
  return log?.status ?? 'never';
}

export interface Filter {
  text: string;
  standing: StandingWord | null;
}

/**
 * Failed first, then what runs; within each the newest run first, so that a run keeps its place on its way. Those of
 * which nothing but the name has arrived are left out: "never synced" would be a guess.
 */
export function inOrder(everything: EverythingState): OrganizationState[] {
  return [...everything.values()].filter((state) => state.isKnown).sort(compare);
}

export function narrowed(
  states: readonly OrganizationState[],
  filter: Filter,
  names: ReadonlyMap<number, string>,
): OrganizationState[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return states.filter((state) => {
    const standing = standingOf(state);
    if (filter.standing !== null && standing !== filter.standing) return false;
    const text = `${state.organizationId} ${names.get(state.organizationId) ?? ''} ${standing}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function countByStanding(states: readonly OrganizationState[]): Record<StandingWord, number> {
  const counts = { failed: 0, running: 0, completed: 0, never: 0 };
  for (const state of states) counts[standingOf(state)] += 1;
  return counts;
}

function compare(one: OrganizationState, other: OrganizationState): number {
  const byStanding = STANDINGS.indexOf(standingOf(one)) - STANDINGS.indexOf(standingOf(other));
  if (byStanding !== 0) return byStanding;
  const [start, otherStart] = [one.log?.started_at ?? '', other.log?.started_at ?? ''];
  if (start !== otherStart) return start < otherStart ? 1 : -1;
  return one.organizationId - other.organizationId;
}
