/** The result of one check of `npm run doctor`. */

export interface Finding {
  /** A stable word for scripts. */
  check: string;
  /** `error`: it would stop a sync or the start. `warning`: it works, and may surprise. */
  state: 'ok' | 'warning' | 'error';
  /** One line: what was found, and what to do. */
  detail: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, state: 'ok', detail });
export const warning = (check: string, detail: string): Finding => ({ check, state: 'warning', detail });
export const failure = (check: string, detail: string): Finding => ({ check, state: 'error', detail });
