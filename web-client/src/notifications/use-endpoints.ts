/** The endpoints and the names of organizations, read again after each change. */
import { useEffect, useReducer, useState } from 'react';
import type { WebhookEndpointList } from '#contract/webhook-endpoint.ts';
import { ApiError, messageOf } from '../api.ts';
import { useReadAgainWhile } from '../hooks/use-read-again-while.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { isUnderWay } from './labels.ts';
import type { NotificationApi } from './notification-api.ts';

export interface Endpoints {
  /** Null until it has been read. */
  list: WebhookEndpointList | null;
  names: ReadonlyMap<number, string>;
  error: string | null;
  /** The account may not see this page. */
  isForbidden: boolean;
  readAgain(): void;
}

/** @param may undefined: not known yet. An account that may not is asked for nothing, so nothing has to be refused. */
export function useEndpoints(api: NotificationApi, may: boolean | undefined): Endpoints {
  const [read, setRead] = useState<Pick<Endpoints, 'list' | 'error' | 'isForbidden'>>({
    list: null,
    error: null,
    isForbidden: false,
  });
  const [names, setNames] = useState<ReadonlyMap<number, string>>(new Map());
  const [asked, readAgain] = useReducer((times: number) => times + 1, 0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` requests another read
  useEffect(() => {
    if (may !== true) return undefined;
    return whileCurrent(
      api.list(),
      (list) => setRead({ list, error: null, isForbidden: false }),
      (error) =>
        setRead((before) => ({
          ...before,
          error: messageOf(error),
          isForbidden: error instanceof ApiError && error.code === 'FORBIDDEN',
        })),
    );
  }, [api, may, asked]);

  useEffect(() => {
    // Without the names the ids are shown.
    return whileCurrent(api.organizations(), ({ organizations }) =>
      setNames(
        new Map(organizations.map(({ organization_id: id, name }) => [id, name ?? `Organization ${id}`])),
      ),
    );
  }, [api]);

  const hasOneUnderWay = read.list?.webhooks.some(({ latest }) => latest !== null && isUnderWay(latest));
  useReadAgainWhile(hasOneUnderWay === true, readAgain);
  return { ...read, isForbidden: read.isForbidden || may === false, names, readAgain };
}
