/** Parameters that several addresses take, as http/parameters.ts reads them, and the answers that belong to them. */
import { z } from 'zod';
import { CursorText } from '#contract/cursor-text.ts';
import { CheckReason } from '#contract/patients-to-check.ts';
import type { ProblemCode } from '#contract/problem.ts';
import { RowId } from '#contract/sync-log.ts';
import { Format } from '../http/csv.ts';
import { Flag, PAGE, type PageLimit } from '../http/parameters.ts';
import type { Answer, Parameter } from './operation.ts';

export const PATH_PARAMETERS: Record<string, Parameter> = {
  orgId: { schema: RowId, description: 'The organization.' },
  syncId: {
    schema: z.string().regex(/^sync_\d{1,10}_\d{8}_\d{6}(_\d{1,10})?$/),
    description: 'Of a run, as the start and the history give it.',
  },
  deliveryId: { schema: z.int().min(1), description: 'As the list of deliveries gives it.' },
  reason: { schema: CheckReason, description: 'Why the patients have to be looked at.' },
  id: { schema: RowId, description: 'Of the row that the address is about.' },
};

export const limitOf = ({ fallback, max }: PageLimit): Parameter => ({
  schema: z.int().min(1).max(max),
  description: `The maximum number of entries. Default ${fallback}.`,
});

export const LIMIT = limitOf(PAGE);

/** Of a decision about held patients. */
export const HELD: Parameter = {
  schema: z.int().min(1),
  description:
    'How many patients the decision is about. When another number is held by now, nothing is changed. Default: all that are held.',
};

export const SINCE: Parameter = {
  schema: z.string(),
  description:
    'The last received cursor. An invalid cursor is answered with a snapshot and `reason: malformed`.',
};

export const STREAM_TOKEN: Parameter = {
  schema: z.string(),
  description:
    'A token of POST /api/v1/stream-tokens, for clients that cannot send `Authorization`. Without accounts it is ignored.',
};

/** Of the changes of patients. */
export const CHANGES_SINCE: Parameter = {
  schema: z.string().max(200),
  description:
    'The `next` of the answer before, or the cursor of a change. `all`: first one `created` for each stored patient. Without it: only later changes.',
};

export const LAST_CHANGE: Parameter = {
  schema: z.string(),
  description: 'The `id:` of the last received change; takes precedence over `since`.',
};

export const AT_LEAST: Parameter = {
  schema: CursorText,
  description: 'The answer is not older than this cursor.',
};

export const FORMAT: Parameter = {
  schema: Format,
  description: 'csv: a table for spreadsheets (RFC 4180); no cell begins like a formula. Default json.',
};

export const DRY_RUN: Parameter = {
  schema: Flag,
  description: 'true: reports what would be erased, and changes nothing. Default false.',
};

export const IdempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/);

export const IDEMPOTENCY_KEY: Parameter = {
  schema: IdempotencyKey,
  description:
    'The same request, sent again with the same key within a day, gets the same answer, unless that was a refusal.',
};

/** Of each route that takes the header. */
export const IDEMPOTENCY_PROBLEMS: readonly ProblemCode[] = [
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_KEY_IN_USE',
];

export const IF_NONE_MATCH: Parameter = {
  schema: z.string(),
  description: 'The `ETag` of an earlier answer.',
};

/** Of each route that takes the header. */
export const NOT_MODIFIED: Answer = { description: 'Nothing has changed since.' };
