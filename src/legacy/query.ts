/** Query parameters of the old routes: an unknown parameter, or an invalid value, is ignored instead of refused. */
import type { Context } from 'hono';

/** @returns the nearest allowed whole number; the fallback when there is none */
export function lenientNumber(
  c: Context,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const text = c.req.query(name);
  if (text === undefined || !/^\d{1,9}$/.test(text)) return fallback;
  return Math.min(max, Math.max(min, Number(text)));
}

/** As Python's web frameworks read it: `true`, `1`, `yes`, `on`, in any case. */
export function lenientFlag(c: Context, name: string): boolean {
  return /^(true|1|yes|on)$/i.test(c.req.query(name) ?? '');
}
