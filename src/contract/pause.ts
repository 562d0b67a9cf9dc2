/** The pause of everything: no schedule fires and no second attempt starts, for any organization. */
import { z } from 'zod';
import { PauseReason } from './organization.ts';

/** Body of `PUT /api/v1/pause`. */
export const PauseRequest = z.strictObject({
  paused: z.boolean(),
  reason: PauseReason.nullable().optional(),
});
export type PauseRequest = z.infer<typeof PauseRequest>;

/** Response of `GET` and `PUT /api/v1/pause`. */
export const Pause = z.object({
  paused: z.boolean(),
  reason: z.string().nullable(),
  /** ISO 8601 UTC; null while not paused. */
  paused_at: z.string().nullable(),
  /** The account that paused everything; null while not paused, and of an account without a name. */
  paused_by: z.string().nullable(),
});
export type Pause = z.infer<typeof Pause>;
