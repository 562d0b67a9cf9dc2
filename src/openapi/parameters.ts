/** Parameters that several addresses take, as http/parameters.ts reads them. */
import { z } from 'zod';
import { CursorText } from '#contract/cursor-text.ts';
import { RowId } from '#contract/sync-log.ts';
import type { Parameter } from './operation.ts';

export const PATH_PARAMETERS: Record<string, Parameter> = {
  orgId: { schema: RowId, description: 'The organization.' },
  syncId: {
    schema: z.string().regex(/^sync_\d{1,10}_\d{8}_\d{6}(_\d{1,10})?$/),
    description: 'Of a run, as the start and the history give it.',
  },
  id: { schema: RowId, description: 'Of the row that the address is about.' },
};

export const LIMIT: Parameter = {
  schema: z.int().min(1).max(100),
  description: 'The maximum number of entries. Default 20.',
};

export const SINCE: Parameter = {
  schema: z.string(),
  description:
    'The last received cursor. An invalid cursor is answered with a snapshot and `reason: malformed`.',
};

export const AT_LEAST: Parameter = {
  schema: CursorText,
  description: 'The answer is not older than this cursor.',
};

export const FORMAT: Parameter = {
  schema: z.enum(['json', 'csv']),
  description: 'csv: a table for spreadsheets (RFC 4180); no cell begins like a formula. Default json.',
};

export const DRY_RUN: Parameter = {
  schema: z.enum(['true', 'false']),
  description: 'true: reports what would be erased, and changes nothing. Default false.',
};

export const IDEMPOTENCY_KEY: Parameter = {
  schema: z.string().regex(/^[\x21-\x7e]{1,255}$/),
  description: 'The same request, sent again with the same key within a day, gets the same answer.',
};
