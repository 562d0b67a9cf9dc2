/** A login for analysts, as the command makes it without `raw`. */
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { createSqlReader, revokeSqlReader } from '../../src/access/sql-readers.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/open.ts';

/** @returns the address with its name and password; the end of the test drops the role */
export async function newReaderUrl(databaseUrl: string, organizationId: number): Promise<string> {
  const roles = await migrate(databaseUrl);
  const owner = openDatabase(databaseUrl, { max: 1 });
  const role = `r_${randomBytes(6).toString('hex')}`;
  const rights = { raw: false, identifiers: false, expiresInDays: 1, connections: 5, statementSeconds: 60 };
  const reader = { role, organizations: [organizationId], ...rights };
  const { password } = await createSqlReader(owner, reader, roles);
  onTestFinished(async () => {
    await revokeSqlReader(owner, role, roles);
    await owner.close();
  });
  const url = new URL(databaseUrl);
  [url.username, url.password] = [role, password];
  return url.href;
}
