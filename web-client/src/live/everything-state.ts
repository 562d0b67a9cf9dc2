/** What the ops console knows of every organization, and how each frame of the WebSocket changes it. Pure. */
import type { ServerFrame } from '#contract/socket-frame.ts';
import {
  applyEvent,
  forgetCursor,
  isAhead,
  type OrganizationState,
  unknownOrganization,
} from './organization-state.ts';

/** An unchanged organization keeps its identity, so its row is not drawn again. */
export type EverythingState = ReadonlyMap<number, OrganizationState>;

export function applyFrame(everything: EverythingState, frame: ServerFrame): EverythingState {
  switch (frame.type) {
    case 'subscribed':
      return withStreams(everything, frame.streams);
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

/**
 * A `ping` names the cursors that were written to this socket: a state that is behind one of them has missed an event.
 */
export function hasMissed(everything: EverythingState, heads: Readonly<Record<string, string>>): boolean {
  return Object.entries(heads).some(([id, head]) =>
    isAhead(head, everything.get(Number(id))?.cursor ?? null),
  );
}

/**
 * The cursors to resume from. The server limits the size of a frame, so cursors that do not fit are left out: their
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

/** One copy for all: a frame names hundreds of organizations. */
function withStreams(
  everything: EverythingState,
  streams: (ServerFrame & { type: 'subscribed' })['streams'],
): EverythingState {
  const states = streams.map(({ organization_id: id, recovered }) => {
    const state = everything.get(id) ?? unknownOrganization(id);
    return recovered ? state : forgetCursor(state);
  });
  if (states.every((state) => everything.get(state.organizationId) === state)) return everything;
  return new Map([...everything, ...states.map((state) => [state.organizationId, state] as const)]);
}

function replaced(everything: EverythingState, state: OrganizationState): EverythingState {
  if (everything.get(state.organizationId) === state) return everything;
  return new Map(everything).set(state.organizationId, state);
}
