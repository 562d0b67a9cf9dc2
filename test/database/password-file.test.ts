/** `.pgpass` of a user that the machine does not know, as in a container with a user id of its own. */
import { expect, test, vi } from 'vitest';
import { readConnectionSettings } from '../../src/database/address-parameters.ts';

vi.mock('node:os', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  homedir: () => {
    throw new Error('uv_os_homedir returned ENOENT');
  },
}));

test('a user without a home has no password file', () => {
  expect(readConnectionSettings('postgres://sync@db/patients').password).toBeUndefined();
});
