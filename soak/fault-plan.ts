/** Which fault comes next: the seed determines each one, and so the whole sequence. */
import { type Choice, SeededRandom } from '../src/cliniko-simulator/seeded-random.ts';
import type { ClinikoOrder } from './cliniko-orders.ts';
import type { PostgresEnd } from './postgres.ts';

export type Fault =
  | { kind: 'kill' | 'restart'; server: number }
  | { kind: 'freeze'; server: number; ms: number }
  | { kind: 'end sessions'; names: string[] }
  | { kind: 'restart PostgreSQL'; how: PostgresEnd }
  | { kind: 'kill NATS'; ms: number }
  | { kind: 'move clock'; aheadMs: number }
  | {
      kind: 'fail requests';
      clinic: number;
      times: number;
      how: Extract<ClinikoOrder, { what: 'fail' }>['how'];
    }
  | { kind: 'cut viewers'; every: number };

export type FaultKind = Fault['kind'];

export interface PlannedFault {
  fault: Fault;
  /** Before it. */
  pauseMs: number;
}

const KINDS: Choice<FaultKind> = [
  'kill',
  'kill',
  'kill',
  'restart',
  'freeze',
  'freeze',
  'end sessions',
  'end sessions',
  'restart PostgreSQL',
  'kill NATS',
  'move clock',
  'fail requests',
  'cut viewers',
];

const ASPECT = 78;
const PAUSE_MS = { least: 1_000, most: 9_000 };
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

/** Shorter and longer than the lease of a run (src/sync/lease.ts). */
const FREEZE_MS = { least: 500, most: 24_000 };

const SESSIONS: Choice<string[]> = [
  ['patient-sync listener'],
  ['patient-sync live'],
  ['patient-sync bus'],
  ['patient-sync'],
  [],
];

/**
 * The nth fault (from 1).
 *
 * The first server is frozen and loses its sessions, but is never killed: its memory shows what it does not release.
 */
export function planFault(
  { seed, servers, clinics }: { seed: number; servers: number; clinics: number },
  n: number,
): PlannedFault {
  const random = new SeededRandom(seed, n, ASPECT);
  const between = ({ least, most }: { least: number; most: number }) => least + random.below(most - least);
  const pauseMs = between(PAUSE_MS);
  const kind = random.pick(KINDS);
  const fault = (): Fault => {
    switch (kind) {
      case 'kill':
      case 'restart':
        return { kind, server: 1 + random.below(servers - 1) };
      case 'freeze':
        return { kind, server: random.below(servers), ms: between(FREEZE_MS) };
      case 'end sessions':
        return { kind, names: random.pick(SESSIONS) };
      case 'restart PostgreSQL':
        return { kind, how: random.pick<PostgresEnd>(['SIGINT', 'SIGQUIT', 'SIGKILL']) };
      case 'kill NATS':
        return { kind, ms: between({ least: 200, most: 20 * SECOND_MS }) };
      case 'move clock':
        return { kind, aheadMs: clockOf(random) };
      case 'fail requests': {
        const how = random.pick(['status', 'reset', 'rate-limited', 'truncated'] as const);
        return { kind, clinic: random.below(clinics), times: 1 + random.below(6), how };
      }
      case 'cut viewers':
        return { kind, every: 1 + random.below(4) };
      default:
        return kind satisfies never;
    }
  };
  return { fault: fault(), pauseMs };
}

/** Seconds, minutes or hours ahead or behind, and each third time right again. */
function clockOf(random: SeededRandom): number {
  if (random.chance(0.33)) return 0;
  const most = random.pick([10 * SECOND_MS, 5 * 60 * SECOND_MS, 2 * HOUR_MS]);
  return random.below(2 * most) - most;
}

export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `kill -9 server ${fault.server}`;
    case 'restart':
      return `stop and start server ${fault.server}`;
    case 'freeze':
      return `freeze server ${fault.server} for ${(fault.ms / 1_000).toFixed(1)} s`;
    case 'end sessions':
      return `end sessions: ${fault.names.join(', ') || 'all'}`;
    case 'restart PostgreSQL':
      return `restart PostgreSQL with ${fault.how}`;
    case 'kill NATS':
      return `kill -9 nats-server, start it after ${(fault.ms / 1_000).toFixed(1)} s`;
    case 'move clock':
      return `clock of Cliniko ${fault.aheadMs / 1_000} s ahead`;
    case 'fail requests':
      return `the next ${fault.times} requests to clinic ${fault.clinic} fail: ${fault.how}`;
    case 'cut viewers':
      return `cut the connections of ${fault.every === 1 ? 'all viewers' : `one viewer in ${fault.every}`}`;
    default:
      return fault satisfies never;
  }
}
