/** The part of the environment that says which database, and how to trust it. */
import { z } from 'zod';
import { AddressError } from '../database/address.ts';
import { readConnectionSettings } from '../database/address-parameters.ts';
import { ConfigError, type Read, text } from './rules.ts';

/**
 * `DATABASE_CA` becomes the `sslrootcert` of each address, so that an address is all that a connection needs.
 *
 * @throws ConfigError, which shows nothing of the address
 */
export function readAddress(read: Read, name: string): string | undefined {
  const written = read(name, { schema: z.string(), mayBe: 'the address of a database' }, undefined)?.trim();
  if (written === undefined || written === '') return undefined;
  const address = withCa(written, read('DATABASE_CA', text(1_000_000), undefined));
  try {
    readConnectionSettings(address);
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ConfigError(`${name} ${cause.message}.`, { cause });
  }
  return address;
}

function withCa(address: string, ca: string | undefined): string {
  if (ca === undefined || /[?&\s]sslrootcert\s*=/.test(address)) return address;
  if (!address.includes('://')) return `${address} sslrootcert='${ca.replace(/['\\]/g, '\\$&')}'`;
  return `${address}${address.includes('?') ? '&' : '?'}sslrootcert=${encodeURIComponent(ca)}`;
}
