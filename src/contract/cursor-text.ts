/** The zod schema of a cursor. Separate from cursor.ts, which browsers load without zod. */
import * as z from 'zod/mini';
import { CURSOR } from './cursor.ts';

export const CursorText = z.string().check(z.regex(CURSOR));
