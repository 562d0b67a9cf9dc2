/** Responses of `/healthz` and `/readyz`. */
import { z } from 'zod';

export const Health = z.object({ status: z.literal('ok') });

/** Status 200 when ready, 503 when not. Without a listener or NATS a server is slower, and still ready. */
export const Readiness = z.object({
  status: z.enum(['ready', 'not ready']),
  checks: z.object({
    database: z.boolean(),
    migrations: z.boolean(),
    listener: z.boolean(),
    /** Whether NATS carries the nudges between servers; while it is `away`, NOTIFY does. `unused`: `NATS_URL` is not set. */
    nats: z.enum(['unused', 'connected', 'away']),
    draining: z.boolean(),
    /** How reads by principals that hold only some organizations are checked a second time (access/row-level-security.ts). */
    row_security: z.enum(['role', 'none']),
    /** Database roles that were granted rights on our objects after the start. */
    other_roles: z.array(z.string()),
  }),
});
export type Readiness = z.infer<typeof Readiness>;
