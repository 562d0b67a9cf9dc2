/** The metrics, the alerts and the dashboard, by a real Prometheus that scrapes a real server. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { scrape } from '../metrics/support/scrape.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { startPrometheus } from './support/prometheus.ts';

const execute = promisify(execFile);
const OPERATIONS = fileURLToPath(new URL('../../docs/operations/', import.meta.url));
const ALERTS = `${OPERATIONS}alerts.yml`;

const Dashboard = z.object({
  panels: z.array(
    z.object({
      type: z.string(),
      title: z.string(),
      targets: z.array(z.object({ expr: z.string() })).default([]),
    }),
  ),
});
const Alerts = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({ alert: z.string(), expr: z.string(), annotations: z.object({ runbook: z.string() }) }),
      ),
    }),
  ),
});

const AlertTests = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(
        z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()).default([]) }),
      ),
    }),
  ),
});

async function dashboardExpressions(): Promise<string[]> {
  const { panels } = Dashboard.parse(
    JSON.parse(await readFile(`${OPERATIONS}grafana-dashboard.json`, 'utf8')),
  );
  // Grafana puts a duration in its place.
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')),
  );
}

async function alertRules() {
  return Alerts.parse(parse(await readFile(ALERTS, 'utf8'))).groups.flatMap(({ rules }) => rules);
}

/** Names of metrics in an expression: words that a selector, a range or a bracket follows, or nothing. */
function metricsIn(expression: string): string[] {
  const names = expression.match(/\b(?:patient_sync|process|nodejs)_\w+|\bup\b/g) ?? [];
  return [...new Set(names)];
}

describe('a real Prometheus', () => {
  test('scrapes a server, and knows every metric of every alert and panel', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 120 });
    const prometheus = await startPrometheus(server.url, ALERTS);
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await stream.until(hasEnded);
    await vi.waitFor(
      async () =>
        expect(await prometheus.query('patient_sync_patients_total{result="inserted"} == 120')).toHaveLength(
          1,
        ),
      { timeout: 20_000, interval: 200 },
    );

    const rules = await alertRules();
    const expressions = [...(await dashboardExpressions()), ...rules.map(({ expr }) => expr)];
    expect(expressions.length).toBeGreaterThan(40);
    for (const expression of expressions) await prometheus.query(expression);
    const names = [...new Set(expressions.flatMap(metricsIn))];
    expect(names.length).toBeGreaterThan(20);
    // What nothing has happened to has no series yet: its name is in the text all the same.
    const text = await scrape(server.url);
    const unknown: string[] = [];
    for (const name of names) {
      const known = (await prometheus.query(name)).length > 0;
      const family = name.replace(/_(?:bucket|count|sum)$/, '');
      if (!known && !text.includes(`# TYPE ${family} `)) unknown.push(name);
    }
    expect(unknown).toEqual([]);
    const loaded = await prometheus.rules();
    expect(loaded.map(({ name }) => name)).toEqual(rules.map(({ alert }) => alert));
    expect(await prometheus.query('ALERTS{alertstate="firing"}')).toEqual([]);
  });

  test('takes the labels of alerts and panels from those that we write', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 10 });
    const text = await scrape(server.url);
    const expressions = [...(await dashboardExpressions()), ...(await alertRules()).map(({ expr }) => expr)];
    const used = expressions.flatMap((expression) => [
      ...expression.matchAll(/state="(\w+)"|kind="([\w-]+)"/g),
    ]);
    expect(used.length).toBeGreaterThan(3);
    for (const [selector] of used) expect(text, selector).toContain(selector);
  });

  test('finds the rules, their tests and the example configuration good', async () => {
    for (const command of [
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'alerts.test.yml'],
      ['check', 'config', 'prometheus.yml'],
    ]) {
      const { stdout } = await execute('promtool', command, { cwd: OPERATIONS });
      expect(stdout).toContain('SUCCESS');
    }
    const text = await scrapeText();
    const child = execute('promtool', ['check', 'metrics']);
    child.child.stdin?.end(text);
    expect((await child).stderr).toBe('');
  });
});

describe('an alert', () => {
  test('fires in a test of its rule', async () => {
    const { tests } = AlertTests.parse(parse(await readFile(`${OPERATIONS}alerts.test.yml`, 'utf8')));
    const fired = tests.flatMap(({ alert_rule_test }) =>
      alert_rule_test.filter(({ exp_alerts }) => exp_alerts.length > 0).map(({ alertname }) => alertname),
    );
    for (const { alert } of await alertRules()) expect(fired).toContain(alert);
  });

  test('names a part of the runbook that exists', async () => {
    const runbook = await readFile(`${OPERATIONS}runbook.md`, 'utf8');
    const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const { alert, annotations } of await alertRules()) {
      expect(anchors, alert).toContain(annotations.runbook.split('#')[1]);
    }
  });
});

/** Of our own metrics alone: those of the process are named by others. */
async function scrapeText(): Promise<string> {
  const { createMetrics } = await import('../../src/metrics/metrics.ts');
  const metrics = createMetrics({
    readDatabaseStats: async () => undefined,
    isListenerHealthy: () => true,
    isNatsConnected: () => false,
    isDraining: () => false,
    live: () => ({ sseConnections: 0, socketConnections: 0, folded: 0, closedSlow: 0 }),
  });
  const blocks = (await metrics.read()).split(/\n(?=# HELP)/);
  return `${blocks.filter((block) => block.includes('patient_sync_')).join('\n')}\n`;
}
