/** Clients that reconnect with their cursors without a limit, and record every state that they receive, byte for byte. */
import { onTestFinished } from 'vitest';
import { type Shown, type Viewer, type ViewerMemory, viewByPoll, viewBySocket, viewBySse } from './viewer.ts';

export interface ReconnectingClient {
  name: string;
  watches(organizationId: number): boolean;
  /** By organization, in the order of arrival. */
  shown: ReadonlyMap<number, readonly Shown[]>;
  /** What a server reports as lost: empty if all goes well. */
  lost: readonly string[];
  /** Destroys its socket. */
  cut(): void;
  leave(): void;
}

function record(
  name: string,
  watches: (organizationId: number) => boolean,
  view: (memory: ViewerMemory) => Viewer,
): ReconnectingClient {
  const shown = new Map<number, Shown[]>();
  const lost: string[] = [];
  const viewer = view({
    cursors: new Map(),
    lose: (text) => void lost.push(text),
    show(organizationId, one) {
      const before = shown.get(organizationId);
      if (before === undefined) shown.set(organizationId, [one]);
      else before.push(one);
    },
  });
  onTestFinished(viewer.leave);
  return { name, watches, shown, lost, ...viewer };
}

const only = (organizationId: number) => (id: number) => id === organizationId;

export function watchBySse(
  name: string,
  addresses: readonly string[],
  organizationId: number,
): ReconnectingClient {
  return record(name, only(organizationId), (memory) => viewBySse(addresses, organizationId, memory));
}

/** @param organizations by name, or all of them, event by event */
export function watchBySocket(
  name: string,
  addresses: readonly string[],
  organizations: '*' | readonly number[],
): ReconnectingClient {
  const watches = (id: number) => organizations === '*' || organizations.includes(id);
  return record(name, watches, (memory) => viewBySocket(addresses, organizations, memory));
}

/** Polls one server repeatedly. */
export function watchByPoll(name: string, address: string, organizationId: number): ReconnectingClient {
  return record(name, only(organizationId), (memory) => viewByPoll(address, organizationId, memory));
}
