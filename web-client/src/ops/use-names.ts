/**
 * The names of organizations, which the stream does not carry: one list, read at the start and when an organization
 * appears. Its 401 also reveals that the server requires a token, which a refused socket does not.
 */
import { useEffect, useRef, useState } from 'react';
import type { Api } from '../api.ts';
import type { OrganizationState } from '../live/organization-state.ts';

const NO_NAMES: ReadonlyMap<number, string> = new Map();

export function useNames(api: Api, states: readonly OrganizationState[]): ReadonlyMap<number, string> {
  const [names, setNames] = useState(NO_NAMES);
  const known = useRef(new Set<number>());
  const hasBegun = useRef(false);

  useEffect(() => {
    const appeared = states.filter(({ organizationId }) => !known.current.has(organizationId));
    if (hasBegun.current && appeared.length === 0) return;
    hasBegun.current = true;
    for (const { organizationId } of appeared) known.current.add(organizationId);
    const forget = (): void => {
      for (const { organizationId } of appeared) known.current.delete(organizationId);
    };
    // Without names the console shows ids; the next change of a state reads the list again.
    api.organizations().then(({ organizations }) => {
      const named = organizations.flatMap(({ organization_id: id, name }): [number, string][] =>
        name === null ? [] : [[id, name]],
      );
      setNames(new Map(named));
    }, forget);
  }, [api, states]);
  return names;
}
