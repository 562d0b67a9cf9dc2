/** `.pgpass` of a user that the machine does not know, as in a container with a user id of its own. */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readConnectionSettings } from '../../src/database/address-parameters.ts';

test('a user without a home has no password file', () => {
  // Not `vi.mock`: another test of this worker may have loaded the module that asks.
  const home = vi.spyOn(os, 'homedir').mockImplementation(() => {
    throw new Error('uv_os_homedir returned ENOENT');
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    home.mockRestore();
    syncBuiltinESMExports();
  });
  expect(readConnectionSettings('postgres://sync@db/patients').password).toBeUndefined();
  expect(home).toHaveBeenCalled();
});
