/** Query parameters of the old routes: an unknown parameter, or an invalid value, is ignored instead of refused. */
import type { Context } from 'hono';
import { parseWholeNumber } from '#contract/whole-number.ts';

/** @returns the nearest allowed whole number; the fallback when there is none */
export function lenientNumber(
  c: Context,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const number = parseWholeNumber(c.req.query(name) ?? '', 0, 999_999_999) ?? fallback;
  return Math.min(max, Math.max(min, number));
}

/** As Python's web frameworks read it, in any case. */
export function lenientFlag(c: Context, name: string): boolean {
  return /^(true|t|1|yes|y|on)$/i.test(c.req.query(name) ?? '');
}
