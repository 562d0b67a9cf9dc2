/** The bulk operation that this page follows. Its id is in the address, so a reload follows it on. */
import { useCallback, useEffect, useState } from 'react';
import type { BulkOperation, OperationRequest } from '#contract/bulk-operation.ts';
import { type Api, ApiError } from '../api.ts';
import { readRepeatedly } from '../hooks/read-repeatedly.ts';

const EVERY_MS = 700;
const AFTER_FAILURE_MS = 2_000;
const PARAMETER = 'operation';

export interface FollowedOperation {
  operation: BulkOperation | null;
  begin(request: OperationRequest): Promise<void>;
  cancel(): void;
  dismiss(): void;
}

export function useOperation(api: Api): FollowedOperation {
  const [id, setId] = useState(
    () => Number(new URLSearchParams(window.location.search).get(PARAMETER)) || null,
  );
  const [operation, setOperation] = useState<BulkOperation | null>(null);
  const follow = useCallback((next: number | null): void => {
    const url = new URL(window.location.href);
    if (next === null) url.searchParams.delete(PARAMETER);
    else url.searchParams.set(PARAMETER, String(next));
    window.history.replaceState(null, '', url);
    setId(next);
  }, []);
  useEffect(() => {
    if (id !== null) return followOperation(api, id, setOperation, () => follow(null));
    setOperation(null);
    return undefined;
  }, [api, follow, id]);
  const begin = useCallback(
    async (request: OperationRequest): Promise<void> => {
      const { operation_id } = await api.createOperation(request);
      follow(operation_id);
    },
    [api, follow],
  );
  const cancel = useCallback((): void => {
    // When it has ended already, the next read says so.
    if (id !== null) api.cancelOperation(id).then(setOperation, () => {});
  }, [api, id]);
  return { operation, begin, cancel, dismiss: useCallback(() => follow(null), [follow]) };
}

/** Reads the operation until it has ended. @returns a function that ends the reads */
function followOperation(
  api: Api,
  id: number,
  onRead: (operation: BulkOperation) => void,
  onGone: () => void,
): () => void {
  return readRepeatedly(
    () => api.operation(id),
    (operation) => {
      onRead(operation);
      return operation.status === 'running' ? EVERY_MS : null;
    },
    (error) => {
      if (!(error instanceof ApiError) || error.status !== 404) return AFTER_FAILURE_MS;
      // Of another account, or too old: the next answer would be the same.
      onGone();
      return null;
    },
  );
}
