/** What the ops console knows of every organization, and how each frame of the WebSocket changes it. Pure. */
import type { ServerFrame } from '#contract/socket-frame.ts';
import type { OrganizationMap } from './organization-map.ts';
import {
  applyEvent,
  forgetCursor,
  isAhead,
  type OrganizationState,
  unknownOrganization,
} from './organization-state.ts';

/** An unchanged organization keeps its identity, so its row is not drawn again. */
export type EverythingState = ReadonlyMap<number, OrganizationState>;

export function applyFrame(everything: OrganizationMap, frame: ServerFrame): OrganizationMap {
  switch (frame.type) {
    case 'subscribed':
      return withStreams(everything, frame.streams);
    case 'snapshot':
    case 'started':
    case 'progress':
    case 'completed':
    case 'failed': {
      const state = everything.get(frame.organization_id) ?? unknownOrganization(frame.organization_id);
      return everything.with([applyEvent(state, frame)]);
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

function withStreams(
  everything: OrganizationMap,
  streams: (ServerFrame & { type: 'subscribed' })['streams'],
): OrganizationMap {
  return everything.with(
    streams.map(({ organization_id: id, recovered }) => {
      const state = everything.get(id) ?? unknownOrganization(id);
      return recovered ? state : forgetCursor(state);
    }),
  );
}
