/** Requests of the simulator's tests: real HTTP, with the headers that Cliniko requires. */
import { onTestFinished } from 'vitest';
import {
  type ClinikoSimulator,
  type SimulatorOptions,
  startClinikoSimulator,
} from '../../../src/cliniko-simulator/server.ts';

export type Shown = Record<string, unknown> & { id: string };

export interface ShownPage {
  patients: Shown[];
  total_entries: number;
  links: { self: string; previous?: string | null; next?: string | null };
}

/** A simulator without a rate limit, closed when the test ends. */
export async function open(options: Partial<SimulatorOptions> = {}): Promise<ClinikoSimulator> {
  const simulator = await startClinikoSimulator({ patients: 120, requestsPerMinute: 0, ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}

export function headersFor(apiKey: string): Record<string, string> {
  return {
    authorization: `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`,
    'user-agent': 'Patient Sync Tests (tests@example.com)',
    accept: 'application/json',
  };
}

/** @param path begins with a slash, after `/v1` */
export function ask(simulator: ClinikoSimulator, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${simulator.url}${path}`, {
    headers: headersFor(simulator.apiKey),
    redirect: 'manual',
    ...init,
  });
}

export interface ListQuestion {
  page?: number | string;
  per_page?: number | string;
  sort?: string;
  order?: string;
  filters?: readonly string[];
}

function listPath({ filters = [], ...rest }: ListQuestion): string {
  const parameters = new URLSearchParams();
  for (const filter of filters) parameters.append('q[]', filter);
  for (const [name, value] of Object.entries(rest)) parameters.append(name, `${value}`);
  return `/patients?${parameters}`;
}

export function askList(simulator: ClinikoSimulator, question: ListQuestion = {}): Promise<Response> {
  return ask(simulator, listPath(question));
}

export async function list(simulator: ClinikoSimulator, question: ListQuestion = {}): Promise<ShownPage> {
  const response = await askList(simulator, question);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as ShownPage;
}

export async function idsOf(simulator: ClinikoSimulator, question: ListQuestion = {}): Promise<string[]> {
  return (await walk(simulator, question)).map(({ id }) => id);
}

/** All pages, by following `links.next` as Cliniko recommends. */
export async function walk(simulator: ClinikoSimulator, question: ListQuestion = {}): Promise<Shown[]> {
  const walked: Shown[] = [];
  let page = await list(simulator, { per_page: 100, ...question });
  walked.push(...page.patients);
  while (page.links.next) {
    const response = await fetch(page.links.next, { headers: headersFor(simulator.apiKey) });
    page = (await response.json()) as ShownPage;
    walked.push(...page.patients);
  }
  return walked;
}

export const ALL_PATIENTS = ['archived_at:*'];
