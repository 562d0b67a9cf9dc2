/**
 * The server's health, polled every few seconds because a silent stream does not reveal it. Polled at once when the
 * connection's kind changes, or the lights would contradict the connection badge for seconds.
 */

import { useEffect, useState } from 'react';
import { Readiness } from '#contract/health.ts';
import { BASE_PATH } from '../base-path.ts';
import { readRepeatedly } from '../hooks/read-repeatedly.ts';
import type { ConnectionKind } from '../live/connection.ts';

export type Health = { kind: 'unknown' } | { kind: 'unreachable' } | { kind: 'known'; readiness: Readiness };

const EVERY_MS = 5_000;
const ANSWER_WITHIN_MS = 4_000;

export function useHealth(connection: ConnectionKind): Health {
  const [health, setHealth] = useState<Health>({ kind: 'unknown' });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the connection is not read, it is the reason to ask again.
  useEffect(() => {
    const show = (next: Health): number => {
      setHealth(next);
      return EVERY_MS;
    };
    return readRepeatedly(readHealth, show, () => show({ kind: 'unreachable' }));
  }, [connection]);
  return health;
}

/** A server that is not ready answers 503 with the same body. */
async function readHealth(): Promise<Health> {
  const response = await fetch(`${BASE_PATH}/readyz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  return { kind: 'known', readiness: Readiness.parse(await response.json()) };
}
