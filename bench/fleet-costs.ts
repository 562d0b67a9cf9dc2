/** The measured costs of a fleet at work (fleet-at-work.ts), as rows of the table and as charts. */
import type { Chart } from './plot.ts';
import type { Row } from './table.ts';

export interface Size {
  organizations: number;
  servers: number;
  clients: number;
}
export type Dimension = keyof Size;

/** Processor time, all servers together. */
export interface Cost {
  serversMsPerSync: number;
  databaseMsPerSync: number;
  syncsPerSecond: number;
  /** Of a core, before the syncs. */
  serverAtRest: number;
  databaseAtRest: number;
  /** Of one server, after the syncs. */
  memoryMb: number;
}

export type Series = { size: Size; cost: Cost }[];

const AXES: Record<Dimension, string> = {
  organizations: 'organizations, synchronized at once',
  servers: 'servers',
  clients: 'SSE clients',
};

export function chartsOf(all: Record<Dimension, Series>): Chart[] {
  const dimensions = ['organizations', 'servers', 'clients'] as const;
  return dimensions.map((dimension) => {
    const line = (name: string, read: (cost: Cost) => number) => ({
      name,
      points: all[dimension].map(({ size, cost }) => ({ x: size[dimension], y: read(cost) })),
    });
    return {
      title: 'Processor time of a sync',
      across: AXES[dimension],
      lines: [
        line('all servers', ({ serversMsPerSync }) => serversMsPerSync),
        line('PostgreSQL', ({ databaseMsPerSync }) => databaseMsPerSync),
      ],
    };
  });
}

/** A figure of each size, as a ratio to that of the smallest. */
function figures(
  series: Series,
  name: (size: Size) => string,
  unit: string,
  read: (cost: Cost) => number,
): Row[] {
  const [first] = series;
  const least = first === undefined ? Number.NaN : read(first.cost);
  return series.map(({ size, cost }, n) => ({
    name: name(size),
    value: read(cost),
    unit,
    // A share of nothing says nothing.
    ...(n > 0 && least > 0 && { ratio: read(cost) / least, of: 'the first' }),
  }));
}

const serversMs = ({ serversMsPerSync }: Cost) => serversMsPerSync;
const databaseMs = ({ databaseMsPerSync }: Cost) => databaseMsPerSync;

export function organizationRows(series: Series): Row[] {
  const of = ({ organizations, servers }: Size) =>
    `${organizations} organizations at once, ${servers} servers`;
  return [
    ...figures(series, (size) => `${of(size)}: servers, a sync`, 'ms', serversMs),
    ...figures(series, (size) => `${of(size)}: PostgreSQL, a sync`, 'ms', databaseMs),
    ...figures(series, of, 'syncs/s', ({ syncsPerSecond }) => syncsPerSecond),
  ];
}

export function serverRows(series: Series): Row[] {
  const of = ({ organizations, servers }: Size) =>
    `${servers} ${servers === 1 ? 'server' : 'servers'}, ${organizations} organizations`;
  return [
    ...figures(series, (size) => `${of(size)}: servers, a sync`, 'ms', serversMs),
    ...figures(series, (size) => `${of(size)}: PostgreSQL, a sync`, 'ms', databaseMs),
    ...figures(
      series,
      (size) => `${of(size)}: one server at rest`,
      '% of a core',
      (cost) => cost.serverAtRest * 100,
    ),
    ...figures(
      series,
      (size) => `${of(size)}: PostgreSQL at rest`,
      '% of a core',
      (cost) => cost.databaseAtRest * 100,
    ),
    ...figures(
      series,
      (size) => `${of(size)}: memory of a server`,
      'MB',
      ({ memoryMb }) => memoryMb,
    ),
  ];
}

export function clientRows(series: Series): Row[] {
  const of = ({ clients, servers }: Size) => `${clients} SSE clients at ${servers} servers`;
  return [
    ...figures(series, (size) => `${of(size)}: servers, a sync`, 'ms', serversMs),
    ...figures(series, (size) => `${of(size)}: PostgreSQL, a sync`, 'ms', databaseMs),
    ...figures(
      series,
      (size) => `${of(size)}: memory of a server`,
      'MB',
      ({ memoryMb }) => memoryMb,
    ),
  ];
}
