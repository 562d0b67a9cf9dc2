/**
 * The log. Two formats: `pretty`, in the words of the monitoring guide (`[INFO] Sync completed: …`), and `json`.
 *
 * A message never holds patient data; what comes with it are ids and counts. Errors go through safe-error.ts.
 */
import { Writable } from 'node:stream';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import { z } from 'zod';
import { createLossyOutput } from './output.ts';
import { terminalText } from './terminal-text.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  level: LogLevel;
  format: 'pretty' | 'json';
  colour: boolean;
}

export function createLogger(
  options: LogOptions,
  output: Writable = createLossyOutput(process.stdout),
): Logger {
  const settings = { level: options.level, base: null, timestamp: stdTimeFunctions.isoTime };
  return options.format === 'json'
    ? pino(settings, output)
    : pino(settings, prettyStream(output, options.colour));
}

const Line = z.looseObject({ level: z.number(), msg: z.string().default(''), time: z.unknown() });

const NAMES: Record<number, string> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};
const COLOURS: Record<number, string> = { 40: '\x1b[33m', 50: '\x1b[31m', 60: '\x1b[31m' };

function prettyStream(output: Writable, colour: boolean): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      output.write(prettyLine(String(chunk), colour));
      done();
    },
  });
}

/** Fields stay out of ordinary lines, which people read; a warning needs them. */
function prettyLine(json: string, colour: boolean): string {
  const { level, msg, time: _time, ...fields } = Line.parse(JSON.parse(json));
  const details =
    level === 30
      ? ''
      : Object.entries(fields)
          .map(([key, value]) => ` ${key}=${JSON.stringify(value)}`)
          .join('');
  const name = `[${NAMES[level] ?? level}]`;
  const start = COLOURS[level];
  const label = colour && start !== undefined ? `${start}${name}\x1b[0m` : name;
  return `${label} ${terminalText(msg + details)}\n`;
}
