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
  const settings = {
    level: options.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    // The names under which log services look: the word of the level, and `message`.
    messageKey: 'message',
    formatters: { level: (level: string) => ({ level }) },
  };
  return options.format === 'json'
    ? pino(settings, output)
    : pino(settings, prettyStream(output, options.colour));
}

const Line = z.looseObject({
  level: z.enum(LOG_LEVELS),
  message: z.string().default(''),
  time: z.unknown(),
});

const COLOURS: Partial<Record<LogLevel, string>> = {
  warn: '\x1b[33m',
  error: '\x1b[31m',
  fatal: '\x1b[31m',
};

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
  const { level, message, time: _time, ...fields } = Line.parse(JSON.parse(json));
  const details =
    level === 'info'
      ? ''
      : Object.entries(fields)
          .map(([key, value]) => ` ${key}=${JSON.stringify(value)}`)
          .join('');
  const name = `[${level.toUpperCase()}]`;
  const start = COLOURS[level];
  const label = colour && start !== undefined ? `${start}${name}\x1b[0m` : name;
  return `${label} ${terminalText(message + details)}\n`;
}
