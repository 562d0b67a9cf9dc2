/** The results of the fan-out as rows: ours beside a peer. */
import type { Row } from '../table.ts';
import type { Throughput } from './comparison.ts';

/** Events that are due in one event-loop iteration. */
export const BURST = 20;

/** For one candidate, medians of its rounds; what was not measured is absent. */
export interface Measured {
  rssBytes?: number;
  heapBytes?: number;
  /** Several events per iteration. */
  burst?: Throughput;
  /** One event per iteration. */
  single?: Throughput;
  /** Milliseconds at 10 events a second. */
  p99?: number;
}

export interface Pair {
  name: string;
  mine: Measured | undefined;
  theirs: Measured | undefined;
  of: string;
}

const SECOND = 'deliveries/s';
const CPU_SECOND = 'deliveries/CPU s';

/** On a busy machine processor time reflects the work better than the clock does. */
export function throughputRows({ name, mine, theirs, of }: Pair, singleAtLeast: number): Row[] {
  const rows = (figure: 'burst' | 'single', perIteration: string, atLeast: number) => {
    const what = `${name}, ${perIteration}`;
    const [ours, peer] = [mine?.[figure], theirs?.[figure]];
    return [
      ...ratioRow(what, SECOND, ours?.perSecond, peer?.perSecond, { of, atLeast }),
      ...ratioRow(what, CPU_SECOND, ours?.perCpuSecond, peer?.perCpuSecond, { of }),
    ];
  };
  return [
    ...rows('burst', `${BURST} events a turn`, 1.8),
    ...rows('single', 'one event a turn', singleAtLeast),
  ];
}

export function delayRows({ name, mine, theirs, of }: Pair): Row[] {
  return ratioRow(`${name}, p99 at 10 events/s`, 'ms', mine?.p99, theirs?.p99, { of, atMost: 1.2 });
}

/** The resident memory is the cost; the heap shows how much of it is live. */
export function idleRows({ name, mine, theirs, of }: Pair): Row[] {
  const kb = (bytes: number | undefined) => bytes && bytes / 1_024;
  const what = `${name}, an idle connection`;
  return [
    ...ratioRow(what, 'KB (RSS)', kb(mine?.rssBytes), kb(theirs?.rssBytes), { of, atMost: 1.15 }),
    ...ratioRow(what, 'KB (heap)', kb(mine?.heapBytes), kb(theirs?.heapBytes), { of }),
  ];
}

/** Peers may use more processors than our single one, so there is a goal by processor time too. */
export function peerRows({ name, mine, theirs, of }: Pair, atLeast: number): Row[] {
  const what = `${name}, ${BURST} events a turn`;
  const [ours, peer] = [mine?.burst, theirs?.burst];
  return [
    ...ratioRow(what, SECOND, ours?.perSecond, peer?.perSecond, { of, atLeast }),
    ...ratioRow(what, CPU_SECOND, ours?.perCpuSecond, peer?.perCpuSecond, { of, atLeast }),
  ];
}

/** @returns no row when one of them was not measured */
function ratioRow(
  name: string,
  unit: string,
  mine: number | undefined,
  theirs: number | undefined,
  goal: { of: string; atLeast?: number; atMost?: number },
): Row[] {
  if (mine === undefined || theirs === undefined) return [];
  return [{ name, value: mine, unit, ratio: mine / theirs, ...goal }];
}
