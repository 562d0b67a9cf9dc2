/** The answers that old panels poll every second, against the documented poll: one client, one request after the other. */
import { Agent, get } from 'node:http';
import { ORGANIZATION, openClinic, openEnvironment } from './environment.ts';
import { alternate, percentile, progress } from './rounds.ts';
import type { Row } from './table.ts';

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
    // In turn, poll by poll: other load on the machine then affects all alike.
    const delays = await alternate([DOCUMENTED, ...OLD], isQuick ? 500 : 3_000, (path) =>
      measure(agent, `${clinic.serverUrl}${path}`),
    );
    const p95 = (path: string) => percentile(delays.get(path) ?? [], 0.95);
    const documented = p95(DOCUMENTED);
    return [
      { name: 'the documented poll, p95', value: documented, unit: 'ms' },
      ...OLD.map((path): Row => {
        const value = p95(path);
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

async function measure(agent: Agent, url: string): Promise<number> {
  const began = performance.now();
  await poll(agent, url);
  return performance.now() - began;
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
