/** Answer of `GET /readyz`, with 200 or 503: whether this server can do its work. More checks may come. */
import { z } from 'zod';

export const Readiness = z.looseObject({
  status: z.string(),
  checks: z.looseObject({
    database: z.boolean().optional(),
    migrations: z.boolean().optional(),
    /** False: streams live on the backstop poll, slower and still right. */
    listener: z.boolean().optional(),
    draining: z.boolean().optional(),
  }),
});
export type Readiness = z.infer<typeof Readiness>;
