/** The part of the environment that says which database, and how to trust it. */
import { z } from 'zod';
import { AddressError } from '../database/address.ts';
import { readConnectionSettings } from '../database/address-parameters.ts';
import { ConfigError, oneOf, type Read, text } from './rules.ts';

const SSL_MODE = oneOf(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']);

/**
 * `DATABASE_CA` and `PGSSLMODE` become parameters of each address that has none of its own, so that an address is all that a
 * connection needs. A platform such as Heroku sets `DATABASE_URL` itself, so `sslmode` cannot be written into it.
 *
 * @throws ConfigError, which shows nothing of the address
 */
export function readAddress(read: Read, name: string): string | undefined {
  const written = read(name, { schema: z.string(), mayBe: 'the address of a database' }, undefined)?.trim();
  if (written === undefined || written === '') return undefined;
  const address = withParameter(
    withParameter(written, 'sslrootcert', read('DATABASE_CA', text(1_000_000), undefined)),
    'sslmode',
    /(?:^|[?&\s])(?:ssl|sslmode|sslaccept)\s*=/.test(written)
      ? undefined
      : read('PGSSLMODE', SSL_MODE, undefined),
  );
  try {
    readConnectionSettings(address);
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ConfigError(`${name} ${cause.message}.`, { cause });
  }
  return address;
}

function withParameter(address: string, name: string, value: string | undefined): string {
  if (value === undefined || new RegExp(`(?:^|[?&\\s])${name}\\s*=`).test(address)) return address;
  if (!address.includes('://')) return `${address} ${name}='${value.replace(/['\\]/g, '\\$&')}'`;
  return `${address}${address.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`;
}
