/** The names of organizations, which the stream does not carry: read a few at a time, each once, the first rows first. */
import { useEffect, useRef, useState } from 'react';
import { type Api, ApiError } from '../api.ts';
import type { OrganizationState } from '../live/organization-state.ts';

const AT_ONCE = 4;
const NO_NAMES: ReadonlyMap<number, string> = new Map();

export function useNames(api: Api, states: readonly OrganizationState[]): ReadonlyMap<number, string> {
  const [names, setNames] = useState(NO_NAMES);
  const asked = useRef(new Set<number>());
  const waiting = useRef<number[]>([]);
  const asking = useRef(0);

  useEffect(() => {
    for (const { organizationId: id } of states) {
      if (asked.current.has(id)) continue;
      asked.current.add(id);
      waiting.current.push(id);
    }
    const askNext = (): void => {
      const id = asking.current < AT_ONCE ? waiting.current.shift() : undefined;
      if (id === undefined) return;
      asking.current += 1;
      void nameOf(api, id)
        .then((name) => {
          if (name === 'ask-again') asked.current.delete(id);
          else if (name !== null) setNames((before) => new Map(before).set(id, name.text));
        })
        .finally(() => {
          asking.current -= 1;
          askNext();
        });
      askNext();
    };
    askNext();
  }, [api, states]);
  return names;
}

/** @returns null where it has none, or is not registered: the console then shows its number */
async function nameOf(api: Api, organizationId: number): Promise<{ text: string } | null | 'ask-again'> {
  try {
    const { name } = await api.organization(organizationId);
    return name === null ? null : { text: name };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.code === 'ORGANIZATION_NOT_FOUND' ? null : 'ask-again';
  }
}
