import { timestamp } from 'drizzle-orm/pg-core';

/** A column of type timestamptz, read as text. */
export const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });
