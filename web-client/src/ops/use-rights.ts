/** What the account at this page may do, so that the console offers nothing that the server would refuse. */
import { useMay } from '../auth/rights.ts';

export interface Rights {
  /** Start, cancel and retry. */
  canAct: boolean;
  /** Pause and resume. */
  canPause: boolean;
}

/** Nothing is offered until the account is known. */
export function useRights(): Rights {
  const [canAct, canPause] = [useMay('sync'), useMay('admin')];
  return { canAct: canAct === true, canPause: canPause === true };
}
