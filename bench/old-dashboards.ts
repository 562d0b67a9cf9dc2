/** The answers that old panels poll every second, against the documented poll: one client, one request after the other. */
import { Agent, get } from 'node:http';
import { ORGANIZATION, openClinic, openEnvironment } from './environment.ts';
import { alternate, median, progress } from './rounds.ts';
import type { Row } from './table.ts';

const ROUNDS = 5;
const DOCUMENTED = `/api/v1/cliniko/sync-logs/${ORGANIZATION}?limit=1`;
const OLD = [
  `/api/v1/dashboard/${ORGANIZATION}`,
  `/api/v1/sync/dashboard/${ORGANIZATION}`,
  `/api/v1/cliniko/status/${ORGANIZATION}`,
  `/api/v1/sync/status/organization/${ORGANIZATION}`,
];

export async function benchOldDashboards({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const environment = await openEnvironment();
  const clinic = await openClinic(environment, { patients: 648 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await clinic.sync();
    progress('polls of the old dashboards …');
    const polls = isQuick ? 200 : 1_000;
    const p95 = await alternate([DOCUMENTED, ...OLD], ROUNDS, (path) =>
      measureP95(agent, `${clinic.serverUrl}${path}`, polls),
    );
    const documented = median(p95.get(DOCUMENTED) ?? []);
    return [
      { name: 'the documented poll, p95', value: documented, unit: 'ms' },
      ...OLD.map((path): Row => {
        const value = median(p95.get(path) ?? []);
        const name = `\`${path.replace(String(ORGANIZATION), ':org')}\`, p95`;
        return { name, value, unit: 'ms', ratio: value / documented, of: 'the documented poll', atMost: 1.5 };
      }),
    ];
  } finally {
    agent.destroy();
    await clinic.close();
    await environment.close();
  }
}

async function measureP95(agent: Agent, url: string, polls: number): Promise<number> {
  const delays: number[] = [];
  for (let n = 0; n < polls; n++) {
    const began = performance.now();
    await poll(agent, url);
    delays.push(performance.now() - began);
  }
  delays.sort((one, other) => one - other);
  return delays[Math.floor(delays.length * 0.95)] ?? 0;
}

function poll(agent: Agent, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} was answered ${response.statusCode}.`));
      response.resume().once('end', resolve);
    });
    request.once('error', reject);
  });
}
