/** The organizations that the console lists, and their order. Pure. */
import type { EverythingState } from '../live/everything-state.ts';
import type { OrganizationState } from '../live/organization-state.ts';

/** The state of an organization; also a filter of the console. */
export const STATES = ['failed', 'running', 'completed', 'never'] as const;
export type StateFilter = (typeof STATES)[number];

function stateOf({ log }: OrganizationState): StateFilter {
  return log?.status ?? 'never';
}

/** `state` sorts by severity: failed, running, completed, never. */
const SORTS = ['state', 'name', 'progress', 'started'] as const;
export type Sort = (typeof SORTS)[number];

export interface Filter {
  text: string;
  state: StateFilter | null;
}

/**
 * Failed first, then running; within each the newest run first, so that a run keeps its position. Organizations of
 * which only the name has arrived are left out: "never synced" would be a guess.
 */
export function inOrder(everything: EverythingState): OrganizationState[] {
  return [...everything.values()].filter((state) => state.isKnown).sort(byConcern);
}

/** @param states in order of severity, which also decides between equals */
export function sorted(
  states: readonly OrganizationState[],
  sort: Sort,
  names: ReadonlyMap<number, string>,
): readonly OrganizationState[] {
  switch (sort) {
    case 'state':
      return states;
    case 'name':
      return [...states].sort((one, other) => NAMES.compare(nameOf(one, names), nameOf(other, names)));
    case 'progress':
      return [...states].sort((one, other) => shareOf(one) - shareOf(other));
    case 'started':
      return [...states].sort(byStart);
    default:
      return sort satisfies never;
  }
}

export function narrowed(
  states: readonly OrganizationState[],
  filter: Filter,
  names: ReadonlyMap<number, string>,
): OrganizationState[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return states.filter((state) => {
    const stateName = stateOf(state);
    if (filter.state !== null && stateName !== filter.state) return false;
    const text = `${state.organizationId} ${nameOf(state, names)} ${stateName}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function countByState(states: readonly OrganizationState[]): Record<StateFilter, number> {
  const counts = { failed: 0, running: 0, completed: 0, never: 0 };
  for (const state of states) counts[stateOf(state)] += 1;
  return counts;
}

const NAMES = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function nameOf({ organizationId }: OrganizationState, names: ReadonlyMap<number, string>): string {
  return names.get(organizationId) ?? `Organization ${organizationId}`;
}

function byConcern(one: OrganizationState, other: OrganizationState): number {
  const byStanding = STATES.indexOf(stateOf(one)) - STATES.indexOf(stateOf(other));
  return byStanding === 0 ? byStart(one, other) : byStanding;
}

function byStart(one: OrganizationState, other: OrganizationState): number {
  const [start, otherStart] = [one.log?.started_at ?? '', other.log?.started_at ?? ''];
  if (start !== otherStart) return start < otherStart ? 1 : -1;
  return one.organizationId - other.organizationId;
}

/** The run with the most left to do comes first; organizations without an active run come last. */
function shareOf(state: OrganizationState): number {
  return state.log?.status === 'running' ? state.percent : 101;
}
