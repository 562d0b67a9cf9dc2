/** The options of `npm run soak`. */
import { parseArgs } from 'node:util';

export interface SoakOptions {
  minutes: number;
  /** Determines the clinics, the choice of faults, of changes and of runs. */
  seed: number;
  servers: number;
  clinics: number;
  /** Of all clinics together, at the start. */
  patients: number;
  /** Whether to write the figures into docs/soak.md. */
  report: boolean;
}

export const USAGE = `Usage: npm run soak -- [--minutes=20] [--seed=1] [--servers=3] [--clinics=40] [--patients=100000] [--report]
  --minutes   how long faults go on; the checks at the end take some minutes more
  --seed      the same seed chooses the same faults; without it a new one is chosen and printed
  --report    writes the figures into docs/soak.md
`;

/** A shorter run gets fewer patients: a clinic of the size of a long run would not finish its first sync. */
const PATIENTS_PER_MINUTE = 8_000;
const MOST_PATIENTS = 100_000;

/** @throws Error that says what is wrong with an option */
export function readOptions(args: readonly string[]): SoakOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: text,
      seed: text,
      servers: text,
      clinics: text,
      patients: text,
      report: { type: 'boolean', default: false },
    },
  });
  const minutes = numberOf('minutes', values.minutes, 20, [0.2, 10_000]);
  const patients = Math.min(MOST_PATIENTS, Math.round(minutes * PATIENTS_PER_MINUTE));
  return {
    minutes,
    seed: wholeOf('seed', values.seed, Math.floor(Math.random() * 1_000_000), [0, 0xffff_ffff]),
    servers: wholeOf('servers', values.servers, 3, [2, 16]),
    clinics: wholeOf('clinics', values.clinics, 40, [1, 500]),
    patients: wholeOf('patients', values.patients, patients, [100, 5_000_000]),
    report: values.report,
  };
}

function numberOf(name: string, given: string | undefined, usual: number, [least, most]: [number, number]) {
  const value = given === undefined ? usual : Number(given);
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw new Error(`--${name} is a number from ${least} to ${most}, not ${given}.`);
}

function wholeOf(name: string, given: string | undefined, usual: number, range: [number, number]): number {
  const value = numberOf(name, given, usual, range);
  if (Number.isInteger(value)) return value;
  throw new Error(`--${name} is a whole number, not ${given}.`);
}
