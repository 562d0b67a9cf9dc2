/** Command lines, parsed with Node's own parser; a wrong one ends the program with one line that says what it takes. */
import { basename } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { parseWholeNumber } from '#contract/whole-number.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { explainStartFailure } from '../server/start-failure.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** The command line is invalid. The message says what is valid. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The user asked for help: the message is the usage text. */
class HelpAsked extends Error {
  override readonly name = 'HelpAsked';
}

/** The command failed. The message is one line for the user. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** The work may continue, but this program can no longer observe it. */
export class ConnectionLostError extends CommandError {
  override readonly name = 'ConnectionLostError';
}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_CONNECTION_LOST = 3;

const HELP = new Set(['--help', '-h']);

/** @throws UsageError, HelpAsked */
export function readArguments<T extends Options>(args: readonly string[], options: T, usage: string) {
  if (args.some((one) => HELP.has(one))) throw new HelpAsked(usage);
  try {
    const { values, tokens } = parseArgs({ args: [...args], options, strict: true, tokens: true });
    refuseSecondValues(tokens, options);
    return values;
  } catch (cause) {
    const what = cause instanceof Error ? cause.message.split('\n', 1)[0] : '';
    throw new UsageError(`${what}\n${usage}`, { cause });
  }
}

/** Node's parser takes the last value: `--patient 1 --patient 2 --confirm` would erase one of two patients, and report success. */
function refuseSecondValues(tokens: readonly { kind: string; name?: string }[], options: Options): void {
  const given = new Set<string>();
  for (const { name = '' } of tokens) {
    const option = options[name];
    if (option?.type !== 'string' || option.multiple === true) continue;
    if (given.has(name)) throw new Error(`Option '--${name}' is given twice`);
    given.add(name);
  }
}

const LONGEST_TIMEOUT_S = 86_400;

/** The milliseconds of `--timeout`, which is in seconds. @throws UsageError */
export function timeoutMs(text: string): number {
  return wholeNumber(text, '--timeout', 1, LONGEST_TIMEOUT_S) * 1_000;
}

/** @throws UsageError */
export function wholeNumber(text: string, name: string, min: number, max: number): number {
  const number = parseWholeNumber(text, min, max);
  if (number !== undefined) return number;
  throw new UsageError(`${name} must be a whole number from ${min} to ${max}; it was "${text}".`);
}

export interface CommandOptions {
  /** The command only shows something, so it ends when its output has no reader. Default: its work goes on. */
  endsWithReader?: boolean;
}

/** Runs a command: its result is the exit code, its failure one line. Help is not a failure. */
export async function runCommand(
  command: () => Promise<number>,
  { endsWithReader = false }: CommandOptions = {},
): Promise<void> {
  const output = watchOutput(endsWithReader);
  try {
    const code = await command();
    process.exitCode = output.failed ? EXIT_FAILED : code;
  } catch (error) {
    if (error instanceof HelpAsked) {
      process.stdout.write(`${asInvoked(error.message)}\n`);
      return;
    }
    process.exitCode = exitCodeOf(error);
    process.stderr.write(`${explain(error)}\n`);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_USAGE;
  return error instanceof ConnectionLostError ? EXIT_CONNECTION_LOST : EXIT_FAILED;
}

/** A usage has lines of its own; everything else is one line. */
function explain(error: unknown): string {
  if (error instanceof UsageError) return asInvoked(error.message).split('\n').map(terminalText).join('\n');
  if (error instanceof CommandError) return asInvoked(terminalText(error.message));
  return asInvoked(explainStartFailure(error, 'The command failed'));
}

/**
 * The reader of a pipe may close it early (`| head`): that is not a failure, and nothing is reported. An erasure, for
 * example, must not end in the middle because of it, with an exit code that reports success. Nor does it on a full disk,
 * which is a failure.
 */
function watchOutput(endsWithReader: boolean): { failed: boolean } {
  const state = { failed: false };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const isFailure = error.code !== 'EPIPE';
    if (isFailure && !state.failed) {
      state.failed = true;
      process.exitCode = EXIT_FAILED;
      process.stderr.write(`The output cannot be written (${error.code}).\n`);
    }
    if (endsWithReader) process.exit(isFailure ? EXIT_FAILED : 0);
  });
  process.stderr.on('error', () => {});
  return state;
}

/** Texts name the npm scripts. Called as `npx patient-sync`, they name that. */
function asInvoked(text: string): string {
  const isBin = basename(process.argv[1] ?? '').startsWith('patient-sync');
  const isNpmScript = ![undefined, 'npx'].includes(process.env.npm_lifecycle_event);
  if (!isBin || isNpmScript) return text;
  return text
    .replaceAll(/npm run (?:patients:|db:)?([a-z-]+)(?: --)?/g, 'npx patient-sync $1')
    .replaceAll('npm start', 'npx patient-sync serve');
}
