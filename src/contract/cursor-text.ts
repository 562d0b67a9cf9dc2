/** The zod schema of a cursor. Separate from cursor.ts, which browsers load without zod. */
import { z } from 'zod';
import { CURSOR } from './cursor.ts';

export const CursorText = z.string().regex(CURSOR);
