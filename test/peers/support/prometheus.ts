/** A real Prometheus, on any free port, with its data in a directory of the test's own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../support/free-port.ts';
import { newFolder } from '../../support/new-folder.ts';

const QueryAnswer = z.object({
  status: z.literal('success'),
  data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }),
});
const Rules = z.object({
  data: z.object({
    groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), health: z.string() })) })),
  }),
});

export interface Prometheus {
  /** @throws when Prometheus does not take the expression */
  query(expression: string): Promise<Record<string, string>[]>;
  rules(): Promise<{ name: string; health: string }[]>;
}

/** @param rules path of a file with rules */
export async function startPrometheus(targetUrl: string, rules: string): Promise<Prometheus> {
  const directory = await newFolder();
  const config = join(directory, 'prometheus.yml');
  await writeFile(
    config,
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ['${rules}']
scrape_configs:
  - { job_name: patient-sync, static_configs: [{ targets: ['${new URL(targetUrl).host}'] }] }
`,
  );
  const port = await freePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onTestFinished(() => end(child));
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const api = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    if (!response.ok) throw new Error(`Prometheus answered ${response.status}: ${await response.text()}`);
    return await response.json();
  };
  await vi.waitFor(() => api('status/config').catch(() => Promise.reject(new Error(errors))), {
    timeout: 20_000,
    interval: 50,
  });
  return {
    async query(expression) {
      const { data } = QueryAnswer.parse(await api(`query?query=${encodeURIComponent(expression)}`));
      return data.result.map(({ metric }) => metric);
    },
    async rules() {
      return Rules.parse(await api('rules')).data.groups.flatMap((group) => group.rules);
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
