/** A refused migration gives one line with what to do, in whatever language the database speaks. */
import { describe, expect, test } from 'vitest';
import { withMigrationExplanation } from '../../src/database/migration-failure.ts';
import { refusal } from '../support/postgres.ts';

const explained = (code: string, message: string): string =>
  String(withMigrationExplanation(refusal({ code, message })));

describe('a migration without the rights for it', () => {
  test('names the object of another role', () => {
    expect(explained('42501', 'must be owner of table sync_logs')).toMatch(
      /table sync_logs belongs to another role\. Set MIGRATE_DATABASE_URL/,
    );
  });

  test.for([
    'Berechtigung nur für Eigentümer der Tabelle sync_logs',
    'doit être le propriétaire de la table sync_logs',
    'debe ser dueño de la tabla sync_logs',
  ])('names both remedies for %j', (message) => {
    const text = explained('42501', message);
    expect(text).toContain(`(${message})`);
    expect(text).toMatch(/GRANT USAGE, CREATE ON SCHEMA public .* MIGRATE_DATABASE_URL/);
  });

  test('leaves a missing right to the explanation of the address', () => {
    const error = refusal({ code: '42501', message: 'permission denied for schema public' });
    expect(withMigrationExplanation(error)).toBe(error);
  });
});
