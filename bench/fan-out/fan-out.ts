/**
 * The fan-out: one event to many clients. Compares ours with bare servers that write one prebuilt buffer per event
 * (the limit), and in bursts with specialized programs.
 *
 * All candidates of a comparison run at the same time and are measured alternately, so that the load of the machine
 * affects all of them.
 */
import { spawnSync } from 'node:child_process';
import { openEnvironment } from '../environment.ts';
import { alternate, median, progress } from '../rounds.ts';
import type { Row } from '../table.ts';
import { type Comparison, type Entry, openComparison, type Throughput } from './comparison.ts';
import { BURST, delayRows, idleRows, type Measured, peerRows, throughputRows } from './fan-out-rows.ts';
import { missingPeers } from './peers.ts';

const BARE_SSE: Entry = { kind: 'bare-http', dialect: 'sse' };
const OUR_SSE: Entry = { kind: 'ours', dialect: 'sse' };
const BARE_WS: Entry = { kind: 'bare-ws', dialect: 'websocket' };
const OUR_WS: Entry = { kind: 'ours', dialect: 'websocket' };
const HONO: Entry = { kind: 'stream-sse', dialect: 'sse' };
const NATS: Entry = { kind: 'nats', dialect: 'nats' };
const NCHAN: Entry = { kind: 'nchan', dialect: 'sse' };

const OURS_AND_BARE = [BARE_SSE, OUR_SSE, BARE_WS, OUR_WS];
const PAIRS = [
  { name: 'SSE', ours: OUR_SSE, peer: BARE_SSE, of: 'bare node:http', singleAtLeast: 0.95 },
  { name: 'WebSocket', ours: OUR_WS, peer: BARE_WS, of: 'bare ws', singleAtLeast: 1 },
];
const PEERS = [
  { name: 'SSE', ours: OUR_SSE, peer: HONO, of: 'hono streamSSE', atLeast: 4 },
  { name: 'WebSocket', ours: OUR_WS, peer: NATS, of: 'nats-server', atLeast: 1 },
  { name: 'SSE', ours: OUR_SSE, peer: NCHAN, of: 'nginx with nchan', atLeast: 1 },
];

type Question = 'burst' | 'single' | 'delays' | 'idle';

interface Crowd {
  clients: number;
  entries: readonly Entry[];
  asks: readonly Question[];
}

const CROWDS: readonly Crowd[] = [
  { clients: 100, entries: OURS_AND_BARE, asks: ['burst', 'single', 'delays'] },
  {
    clients: 1_000,
    entries: [...OURS_AND_BARE, HONO, NATS, NCHAN],
    asks: ['burst', 'single', 'delays'],
  },
  { clients: 5_000, entries: [...OURS_AND_BARE, NATS, NCHAN], asks: ['burst', 'single', 'idle'] },
  { clients: 10_000, entries: [BARE_SSE, OUR_SSE], asks: ['delays', 'idle'] },
];

/** Durations and repetitions. */
const PACES = {
  whole: { rounds: 5, forMs: 500, delayRounds: 3, ticks: 15, clientsAtMost: 10_000 },
  quick: { rounds: 3, forMs: 200, delayRounds: 1, ticks: 10, clientsAtMost: 1_000 },
};
type Pace = (typeof PACES)['whole'];
const WARM_UP_MS = 300;

/** Descriptors of a process besides its clients. */
const OTHER_FILES = 200;

export async function benchFanOut({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const pace = isQuick ? PACES.quick : PACES.whole;
  const missing = missingPeers();
  const environment = await openEnvironment();
  try {
    const rows: Row[] = [...missing.values()];
    for (const crowd of CROWDS.filter(({ clients }) => clients <= pace.clientsAtMost)) {
      const entries = crowd.entries.filter(({ kind }) => !missing.has(kind));
      rows.push(...(await measureCrowd({ ...crowd, entries }, pace, environment.url)));
    }
    return rows;
  } finally {
    await environment.close();
  }
}

async function measureCrowd(crowd: Crowd, pace: Pace, databaseUrl: string): Promise<Row[]> {
  const { clients, entries } = crowd;
  const files = filesAtMost();
  if (files < clients + OTHER_FILES) {
    return [
      {
        name: `${clients} clients`,
        missing: `raise \`ulimit -n\` from ${files} to ${clients + OTHER_FILES}`,
      },
    ];
  }
  const comparisons = new Map<Entry, Comparison>();
  try {
    for (const entry of entries) {
      progress(`${clients} clients connect to ${entry.kind} (${entry.dialect}) …`);
      comparisons.set(entry, await openComparison(entry, clients, databaseUrl));
    }
    return toRows(crowd, await measure(comparisons, crowd, pace));
  } finally {
    for (const comparison of comparisons.values()) await comparison.close();
  }
}

type Comparisons = ReadonlyMap<Entry, Comparison>;

async function measure(
  comparisons: Comparisons,
  { clients, asks }: Crowd,
  pace: Pace,
): Promise<Map<Entry, Measured>> {
  const measured = new Map<Entry, Measured>();
  const note = (entry: Entry, figures: Measured) =>
    measured.set(entry, { ...measured.get(entry), ...figures });
  for (const [entry, { rssBytes, heapBytes }] of comparisons) note(entry, { rssBytes, heapBytes });
  const few: Comparisons = new Map([...comparisons].filter(([entry]) => OURS_AND_BARE.includes(entry)));

  if (asks.includes('burst')) {
    progress(`${clients} clients: ${BURST} events a turn …`);
    const all = await measureThroughput(comparisons, BURST, pace);
    for (const [entry, burst] of all) note(entry, { burst });
  }
  if (asks.includes('single')) {
    progress(`${clients} clients: one event a turn …`);
    const all = await measureThroughput(few, 1, pace);
    for (const [entry, single] of all) note(entry, { single });
  }
  if (asks.includes('delays')) {
    progress(`${clients} clients: 10 events a second …`);
    const all = await alternate([...few], pace.delayRounds, ([, comparison]) =>
      comparison.delays(pace.ticks),
    );
    for (const [[entry], delays] of all) note(entry, { p99: median(delays.map(({ p99 }) => p99)) });
  }
  return measured;
}

async function measureThroughput(
  comparisons: Comparisons,
  burst: number,
  { rounds, forMs }: Pace,
): Promise<Map<Entry, Throughput>> {
  await alternate([...comparisons], 1, ([, comparison]) => comparison.throughput(burst, WARM_UP_MS));
  const all = await alternate([...comparisons], rounds, ([, comparison]) =>
    comparison.throughput(burst, forMs),
  );
  return new Map(
    [...all].map(([[entry], results]) => [
      entry,
      {
        perSecond: median(results.map((result) => result.perSecond)),
        perCpuSecond: median(results.map((result) => result.perCpuSecond)),
      },
    ]),
  );
}

function toRows({ clients, asks }: Crowd, measured: ReadonlyMap<Entry, Measured>): Row[] {
  const rows: Row[] = [];
  const pairOf = ({ name, ours, peer, of }: { name: string; ours: Entry; peer: Entry; of: string }) => ({
    name: `${name}, ${clients} clients`,
    mine: measured.get(ours),
    theirs: measured.get(peer),
    of,
  });
  for (const { singleAtLeast, ...entries } of PAIRS) {
    const pair = pairOf(entries);
    rows.push(...throughputRows(pair, singleAtLeast), ...delayRows(pair));
    if (asks.includes('idle')) rows.push(...idleRows(pair));
  }
  for (const { atLeast, ...entries } of PEERS) rows.push(...peerRows(pairOf(entries), atLeast));
  return rows;
}

/** Node raises its own limit as far as allowed. */
function filesAtMost(): number {
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' });
  return Number(stdout?.trim()) || Number.POSITIVE_INFINITY;
}
