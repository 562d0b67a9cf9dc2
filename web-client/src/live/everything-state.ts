/** What an ops console knows of every organization, and how each frame of the socket changes it. Pure. */
import type { ServerFrame } from '#contract/socket-frame.ts';
import {
  applyEvent,
  forgetCursor,
  isAhead,
  type OrganizationState,
  unknownOrganization,
} from './organization-state.ts';

/** An organization that did not change keeps its identity, so its row need not be drawn again. */
export type EverythingState = ReadonlyMap<number, OrganizationState>;

export function applyFrame(everything: EverythingState, frame: ServerFrame): EverythingState {
  switch (frame.type) {
    case 'subscribed':
      return frame.streams.reduce((known, stream) => {
        const state = known.get(stream.organization_id) ?? unknownOrganization(stream.organization_id);
        return replaced(known, stream.recovered ? state : forgetCursor(state));
      }, everything);
    case 'snapshot':
    case 'started':
    case 'progress':
    case 'completed':
    case 'failed': {
      const state = everything.get(frame.organization_id) ?? unknownOrganization(frame.organization_id);
      return replaced(everything, applyEvent(state, frame));
    }
    default:
      return everything;
  }
}

/** A `ping` names what was written on this socket: whoever knows less of an organization has missed something. */
export function hasMissed(everything: EverythingState, heads: Readonly<Record<string, string>>): boolean {
  return Object.entries(heads).some(([id, head]) =>
    isAhead(head, everything.get(Number(id))?.cursor ?? null),
  );
}

/**
 * The cursors to resume from. The server reads frames up to a size only, so those that do not fit are left out: their
 * organizations begin with a snapshot.
 */
export function cursorsWithin(everything: EverythingState, bytes: number): Record<string, string> {
  const cursors: Record<string, string> = {};
  let used = 0;
  for (const { organizationId, cursor } of everything.values()) {
    if (cursor === null) continue;
    used += `"${organizationId}":"${cursor}",`.length;
    if (used > bytes) break;
    cursors[organizationId] = cursor;
  }
  return cursors;
}

function replaced(everything: EverythingState, state: OrganizationState): EverythingState {
  if (everything.get(state.organizationId) === state) return everything;
  return new Map(everything).set(state.organizationId, state);
}
