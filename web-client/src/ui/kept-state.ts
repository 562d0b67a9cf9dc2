/** State that Back and a reload find again: it belongs to the entry of the browser's history. */
import { useCallback, useState } from 'react';
import * as z from 'zod/mini';

const Entry = z.catch(z.record(z.string(), z.unknown()), {});

/** @param schema another version of the page may have written the state */
export function useKeptState<T>(
  key: string,
  schema: z.ZodMiniType<T>,
  initial: T,
): [state: T, keep: (state: T) => void] {
  const [state, setState] = useState(() => {
    const kept = schema.safeParse(Entry.parse(window.history.state)[key]);
    return kept.success ? kept.data : initial;
  });
  const keep = useCallback(
    (next: T): void => {
      setState(next);
      window.history.replaceState({ ...Entry.parse(window.history.state), [key]: next }, '');
    },
    [key],
  );
  return [state, keep];
}
