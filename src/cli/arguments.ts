/** Command lines, parsed with Node's own parser; a wrong one ends the program with one line that says what it takes. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** The command line was wrong. The message says how it should be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Somebody asked how the command is used: its message. */
export class HelpAsked extends Error {
  override readonly name = 'HelpAsked';
}

const HELP = new Set(['--help', '-h']);

/** @throws UsageError, HelpAsked */
export function readArguments<T extends Options>(args: readonly string[], options: T, usage: string) {
  if (args.some((one) => HELP.has(one))) throw new HelpAsked(usage);
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    const what = cause instanceof Error ? cause.message.split('\n', 1)[0] : '';
    throw new UsageError(`${what}\n${usage}`, { cause });
  }
}

/** @throws UsageError */
export function wholeNumber(text: string, name: string, min: number, max: number): number {
  const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${name} must be a whole number from ${min} to ${max}; it was "${text}".`);
}

/** Runs a command: its number is the exit code, its UsageError one line and exit code 2. Help is an answer, and no failure. */
export async function runCommand(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    if (error instanceof HelpAsked) {
      process.stdout.write(`${error.message}\n`);
      return;
    }
    const usage = error instanceof UsageError;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = usage ? 2 : 1;
  }
}
