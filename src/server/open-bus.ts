/** Opens the bus of nudges that the environment asks for. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { logListener } from '../database/outage-log.ts';
import type { EventBus } from '../events/event-bus.ts';
import { openPostgresBus } from '../events/postgres-bus.ts';
import type { Logger } from '../logging/logger.ts';
import type { ServerDatabase } from './open-database.ts';

type BusDatabase = Pick<ServerDatabase, 'database' | 'listenUrl' | 'listensThroughPooler'>;

export async function openBus(
  { nats }: Pick<Config, 'nats'>,
  { database, listenUrl, listensThroughPooler }: BusDatabase,
  logger: Logger,
): Promise<EventBus> {
  const options = {
    throughPooler: listensThroughPooler,
    onHealth: (healthy: boolean) => logListener(logger, healthy),
  };
  if (nats === undefined) return await openPostgresBus(listenUrl, options);
  // The NATS packages take memory and time to load, so they load only when configured.
  const { openNatsBus } = await import('../events/nats-bus.ts');
  return await openNatsBus(listenUrl, {
    ...options,
    address: nats,
    scope: await scopeOf(database),
    onNats: (lost) => logNats(logger, lost),
  });
}

/** The same for all servers of one database, and different for two databases that share a NATS cluster. */
async function scopeOf({ sql }: BusDatabase['database']): Promise<string> {
  const [row] = await sql<{ database: string; mayAsk: boolean }[]>`
    select concat_ws(' ', datname, oid) as database,
      has_function_privilege('pg_control_system()', 'execute') as "mayAsk"
    from pg_database where datname = current_database()`;
  // Some providers close the control data of the cluster to other roles; the name and the number of the database remain.
  const [cluster] = row?.mayAsk
    ? await sql<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`
    : [];
  return createHash('sha256').update(`${row?.database} ${cluster?.id}`).digest('hex').slice(0, 16);
}

function logNats(logger: Logger, lost: string | undefined): void {
  if (lost === undefined) logger.info('NATS carries the nudges between servers.');
  else
    logger.warn(
      `NATS does not carry nudges (${lost}); NOTIFY does until it is back. Check NATS_URL and the NATS servers.`,
    );
}
