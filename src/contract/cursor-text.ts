/** A cursor as zod reads it. Apart from cursor.ts, which browsers load without zod. */
import { z } from 'zod';
import { CURSOR } from './cursor.ts';

export const CursorText = z.string().regex(CURSOR);
