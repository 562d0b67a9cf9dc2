/** The deliveries of an endpoint whose log is open. While one is under way, they are read again. */
import { useEffect, useReducer, useState } from 'react';
import type { WebhookDelivery } from '#contract/webhook.ts';
import { messageOf } from '../api.ts';
import { useReadAgainWhile } from '../hooks/use-read-again-while.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { isUnderWay } from './labels.ts';
import type { NotificationApi } from './notification-api.ts';

export interface Deliveries {
  /** Null until they have been read. */
  deliveries: readonly WebhookDelivery[] | null;
  /** Why the last read failed; what is known stays. */
  error: string | null;
  readAgain(): void;
}

type Read = Omit<Deliveries, 'readAgain'>;

/** @param version changes whenever the newest delivery does */
export function useDeliveries(api: NotificationApi, id: number, version: string): Deliveries {
  const [read, setRead] = useState<Read>({ deliveries: null, error: null });
  const [round, readAgain] = useReducer((times: number) => times + 1, 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` and `round` request another read
  useEffect(() => {
    return whileCurrent(
      api.deliveries(id),
      ({ deliveries }) => setRead({ deliveries, error: null }),
      (error) => setRead((before) => ({ ...before, error: messageOf(error) })),
    );
  }, [api, id, version, round]);

  useReadAgainWhile(read.deliveries?.some(isUnderWay) === true, readAgain);
  return { ...read, readAgain };
}
