/**
 * The requests that all servers together sent with each API key in the last minute. Only the hash of a key is stored, until the key
 * was not used for an hour.
 */
import { index, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { time } from '../database/time-column.ts';

export const requestBudgetTable = pgTable('request_budgets', {
  keyHash: text('key_hash').primaryKey(),
  /** Cliniko's rate limit allows no request before this time. */
  pausedUntil: time('paused_until'),
});

export const requestReservationTable = pgTable(
  'request_reservations',
  {
    keyHash: text('key_hash').notNull(),
    at: time('at').notNull(),
    requests: integer('requests').notNull(),
  },
  (table) => [index('request_reservations_key').on(table.keyHash, table.at)],
);
