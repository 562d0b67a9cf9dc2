/**
 * Detects rights on our objects that were granted after the start: `/readyz` names the roles, and the log has one line for
 * each new role. The next start revokes them.
 */
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { withinMs } from './answer-limit.ts';
import type { Database } from './open.ts';
import type { OwnObjects } from './own-objects.ts';
import { type DatabaseRoles, findRolesWithMore } from './revoke-privileges.ts';

/** How long a result is cached, to limit what requests to `/readyz` cost the database. */
const FRESH_MS = 2_000;
const EVERY_MS = 60_000;
/** `/readyz` waits no longer than this. */
const ANSWER_LIMIT_MS = 2_000;

export interface RoleWatch {
  /** Roles with unintended rights; `PUBLIC` for all roles. Empty is good. Never throws. */
  read(): Promise<readonly string[]>;
  stop(): void;
}

export function watchRoles(
  { sql }: Database,
  own: OwnObjects,
  roles: DatabaseRoles,
  logger: Logger,
): RoleWatch {
  let known: readonly string[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<readonly string[]> | undefined;

  const look = async (): Promise<readonly string[]> => {
    try {
      const found = await withinMs(ANSWER_LIMIT_MS, findRolesWithMore(sql, own, roles));
      for (const role of found.filter((name) => !known.includes(name))) logger.warn(sentenceFor(role));
      known = found;
      readAt = performance.now();
    } catch (error) {
      logger.debug(safeError(error), 'The rights of other roles could not be read');
    }
    return known;
  };
  const read = async (): Promise<readonly string[]> => {
    if (performance.now() - readAt < FRESH_MS) return known;
    reading ??= look().finally(() => {
      reading = undefined;
    });
    return await reading;
  };
  const timer = setInterval(() => void read(), EVERY_MS);
  timer.unref();
  return { read, stop: () => clearInterval(timer) };
}

const sentenceFor = (role: string) =>
  `The database role ${role} has rights on our tables or functions, or on a view of them, that it should not have. The next start revokes the rights on our own objects; ` +
  'an administrator must revoke a right on a view of another program, and a membership in our roles or in pg_read_all_data. To let a role read, name it in DATABASE_READERS.';
