/**
 * The streams of organizations that no other transaction is writing.
 *
 * A write to `sync_logs` locks the stream of its organization until it commits, because its event gets the next number
 * (events/table.ts). A statement that writes rows of many organizations takes these first: so one of them that another program
 * holds in a long transaction does not delay the others.
 */
import type { ISql } from 'postgres';
import type { Fragment } from '../database/fragment.ts';

/** Locks them. @param organizations a query of one column, `organization_id` */
export const freeStreams = (sql: ISql, organizations: Fragment) => sql`
  select stream.organization_id from sync_streams as stream
  where stream.organization_id in (${organizations}) order by stream.organization_id for update skip locked`;
