/** The part of the environment that says which database, and how to trust it. */
import { z } from 'zod';
import { AddressError, parseAddress } from '../database/address.ts';
import { readConnectionSettings } from '../database/address-parameters.ts';
import { ConfigError, oneOf, type Read, text } from './rules.ts';

/** `sslmode`, and the parameters of other programs that say the same. */
const TLS_MODES = ['ssl', 'sslmode', 'sslaccept'];
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
  try {
    const { parameters } = parseAddress(written);
    const added = new Map<string, string | undefined>();
    if (!parameters.has('sslrootcert')) {
      added.set('sslrootcert', read('DATABASE_CA', text(1_000_000), undefined));
    }
    if (!TLS_MODES.some((mode) => parameters.has(mode))) {
      added.set('sslmode', read('PGSSLMODE', SSL_MODE, undefined));
    }
    const address = withParameters(written, added);
    readConnectionSettings(address);
    return address;
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ConfigError(`${name} ${cause.message}.`, { cause });
  }
}

function withParameters(address: string, added: ReadonlyMap<string, string | undefined>): string {
  const isUrl = /^postgres(ql)?:\/\//i.test(address);
  let written = address;
  for (const [name, value] of added) {
    if (value === undefined) continue;
    written += isUrl
      ? `${written.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`
      : ` ${name}='${value.replace(/['\\]/g, '\\$&')}'`;
  }
  return written;
}
