#!/usr/bin/env node
/** `cliniko-simulator --patients 648 --port 8001`: runs a simulated Cliniko until Ctrl-C. */
import { parseArgs } from 'node:util';
import { MOST_PEOPLE } from '../../../src/cliniko-simulator/timeline.ts';
import { type SimulatorOptions, startClinikoSimulator } from './simulator.ts';

const USAGE = `Usage: cliniko-simulator [options]

  --patients 648             patients at the start, 0 to ${MOST_PEOPLE}
  --port 8001                on 127.0.0.1; 0 picks a free port
  --seed 1                   the same seed gives the same patients
  --requests-per-minute 200  0: no limit
  --latency 0                milliseconds before each answer
  --api-key KEY              the only key that is accepted; default: a fictional key, which is printed`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const NUMBERS = {
  patients: { initial: 648, most: MOST_PEOPLE },
  port: { initial: 8001, most: 65_535 },
  seed: { initial: 1, most: 2 ** 32 - 1 },
  'requests-per-minute': { initial: 200, most: 1_000_000 },
  latency: { initial: 0, most: 600_000 },
};

type NumberName = keyof typeof NUMBERS;

const text = { type: 'string' } as const;

/** @throws Error that says which option is wrong */
function readOptions(args: string[]): SimulatorOptions | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      patients: text,
      port: text,
      seed: text,
      'requests-per-minute': text,
      latency: text,
      'api-key': text,
    },
  });
  if (values.help) return 'help';
  const number = (name: NumberName): number => {
    const { initial, most } = NUMBERS[name];
    const given = values[name] ?? `${initial}`;
    const value = /^[0-9]{1,10}$/.test(given) ? Number(given) : Number.NaN;
    if (value <= most) return value;
    throw new Error(`--${name} must be a whole number from 0 to ${most}; it was "${given}".`);
  };
  const apiKey = values['api-key'];
  return {
    patients: number('patients'),
    port: number('port'),
    seed: number('seed'),
    requestsPerMinute: number('requests-per-minute'),
    latencyMs: number('latency'),
    ...(apiKey !== undefined && { apiKey }),
  };
}

function fail(error: unknown, exitCode: number, hint: string): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n${hint}\n`);
  process.exit(exitCode);
}

async function start(options: SimulatorOptions): Promise<void> {
  const cliniko = await startClinikoSimulator(options);
  process.stdout.write(`Simulated Cliniko with ${options.patients} fictional patients: ${cliniko.url}
API key: ${cliniko.apiKey}
Ctrl-C ends it.
`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void cliniko.close());
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(`${USAGE}\n`);
  else {
    start(options).catch((cause: NodeJS.ErrnoException) => {
      const error = new Error(`Port ${options.port} of 127.0.0.1 is not available (${cause.code}).`, {
        cause,
      });
      fail(error, EXIT_FAILED, 'Choose another port with --port; 0 picks a free one.');
    });
  }
} catch (error) {
  fail(error, EXIT_USAGE, USAGE);
}
