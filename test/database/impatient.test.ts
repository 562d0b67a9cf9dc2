import { describe, expect } from 'vitest';
import { beginImpatient } from '../../src/database/impatient.ts';
import { connectInTest, test } from '../support/database.ts';

describe('a transaction that does not wait for the dead', () => {
  test('ends an idle session also behind one that is at work and waits for it', async ({ databaseUrl }) => {
    const open = () => {
      const sql = connectInTest(databaseUrl, { max: 2 });
      return sql;
    };
    const [idle, busy, ours] = [open(), open(), open()];
    await ours`create table things (id integer)`;
    await ours`insert into things values (1), (2)`;
    let behind: Promise<unknown> = Promise.resolve();
    const dead = idle.begin(async (tx) => {
      await tx`update things set id = id where id = 1`;
      behind = busy.begin(async (other) => {
        await other`update things set id = id where id = 2`;
        await other`update things set id = id where id = 1`;
      });
      await expect
        .poll(() => ours`select from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0`)
        .toHaveLength(1);
      await beginImpatient(ours, (own) => own`update things set id = id where id = 2`);
    });

    await expect(dead).rejects.toThrow();
    await behind;
  });
});
