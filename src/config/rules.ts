/**
 * How one environment variable is read: its rule, its default, and the message for an invalid value.
 *
 * Each secret can also be given as `NAME_FILE`, the path of a file that holds it, as container platforms mount secrets.
 *
 * Not here: which variables exist (config.ts, access.ts).
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseWholeNumber } from '#contract/whole-number.ts';
import { isLoopbackAddress } from '../access/same-origin.ts';
import { withoutSecrets } from '../logging/without-secrets.ts';

/** The start cannot continue. The message is one line that names the variable and its valid values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Environment = Record<string, string | undefined>;

export interface Rule<T> {
  schema: z.ZodType<T>;
  /** Completes "… must be". */
  mayBe: string;
}

export type Read = <T, D>(name: string, rule: Rule<T>, fallback: D) => T | D;

/** Their values are never shown, and each can be given as `NAME_FILE`. */
export const SECRETS: ReadonlySet<string> = new Set([
  'BOOTSTRAP_ADMIN_TOKEN',
  'CREDENTIALS_KEY',
  'CREDENTIALS_KEY_PREVIOUS',
  'CLINIKO_API_KEY',
  'DATABASE_URL',
  'LISTEN_DATABASE_URL',
  'MIGRATE_DATABASE_URL',
  'READ_DATABASE_URL',
  'NATS_URL',
  'SMTP_URL',
  'OIDC_CLIENT_SECRET',
]);

/** Empty counts as unset: that is how compose files leave a variable out. */
export function reader(environment: Environment): Read {
  return (name, rule, fallback) => {
    const value = SECRETS.has(name) ? readSecret(environment, name) : environment[name];
    if (value === undefined || value === '') return fallback;
    const result = rule.schema.safeParse(value);
    if (result.success) return result.data;
    throw new ConfigError(`${name} must be ${rule.mayBe}; it was ${shown(name, value)}.`);
  };
}

/** A key or a password must not end up in a log. */
function shown(name: string, value: string): string {
  return SECRETS.has(name) ? 'something else' : JSON.stringify(withoutSecrets(value).slice(0, 100));
}

/**
 * The variable itself, or the content of the file that `NAME_FILE` names, without the line break at its end and the mark that
 * editors of Windows put at the start of a file.
 */
function readSecret(environment: Environment, name: string): string | undefined {
  const [value, file] = [environment[name] || undefined, environment[`${name}_FILE`] || undefined];
  if (file === undefined) return value;
  if (value !== undefined) {
    throw new ConfigError(`${name} and ${name}_FILE are both set; set one of them.`);
  }
  const content = readContent(name, file).replace(/^\ufeff|\r?\n$/g, '');
  // Not as if the variable were unset: the start would use another database, or have no accounts.
  if (content !== '') return content;
  throw new ConfigError(
    `${name}_FILE must be the path of a file that is not empty; it was ${shownPath(file)}.`,
  );
}

function readContent(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw new ConfigError(
      `${name}_FILE must be the path of a file that this user can read${code}; it was ${shownPath(file)}.`,
    );
  }
}

/** The secret itself may have been written in place of the path of its file. */
function shownPath(file: string): string {
  const isPath = /^[./~]/.test(file) && !/=$/.test(file) && withoutSecrets(file) === file;
  return isPath ? JSON.stringify(file.slice(0, 100)) : 'something else';
}

export const wholeNumber = (min: number, max: number): Rule<number> => ({
  schema: z
    .string()
    .transform((text) => parseWholeNumber(text, min, max))
    .refine((number) => number !== undefined),
  mayBe: `a whole number from ${min} to ${max}`,
});

export const text = (max: number): Rule<string> => ({
  schema: z.string().min(1).max(max),
  mayBe: `a text of at most ${max} characters`,
});

export function oneOf<const T extends readonly [string, ...string[]]>(words: T): Rule<T[number]> {
  return { schema: z.enum(words), mayBe: words.join(' or ') };
}

/** https, or plain http on this machine. */
export function isSafeAddress({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackAddress(hostname));
}
