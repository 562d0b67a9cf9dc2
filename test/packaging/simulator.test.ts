/** The simulated Cliniko as a package: packed, installed in an empty project without the network, and used there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  checkTypes,
  codeBlock,
  newProject,
  type PackedPackage,
  packPackage,
  ROOT,
  run,
} from './support/packed-package.ts';

const TYPES = `import { type Fault, startClinikoSimulator } from 'cliniko-simulator';
const fault: Fault = { kind: 'status', status: 503 };
startClinikoSimulator({ patients: 1, behaviour: { headers: 'strict' } }).then((cliniko) => {
  cliniko.faults.onEvery(fault);
  cliniko.churn.beforePage(1, (people) => people.archive(people.idOf(0)));
  // @ts-expect-error: there is no such part
  return cliniko.nothing;
});
// @ts-expect-error: no such fault
export const none: Fault = { kind: 'nothing' };
`;

let packed: PackedPackage;
let project: string;

beforeAll(async () => {
  packed = await packPackage('packaging/simulator', 'build:simulator');
  project = await newProject(packed, 'project', [], {
    'types.ts': TYPES,
    'read-all.js': await codeBlock('packaging/simulator/README.md', 'read-all.js'),
  });
});
afterAll(() => packed?.remove());

const program = () => join(project, 'node_modules/.bin/cliniko-simulator');

/** The program with a free port; its first two lines name the address and the key. */
async function startProgram(args: string[]): Promise<{ child: ChildProcess; url: string; key: string }> {
  const child = spawn(program(), ['--port', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const [address, key] = [String((await lines.next()).value), String((await lines.next()).value)];
  return {
    child,
    url: /http:\S+/.exec(address)?.[0] ?? '',
    key: key.replace('API key: ', ''),
  };
}

describe('the packed simulator', () => {
  test('has what its manifest names, and types', async () => {
    const tarball = new Uint8Array(await readFile(packed.tarball)).buffer;
    expect((await publint({ pack: { tarball }, strict: true })).messages).toEqual([]);
    const installed = join(project, 'node_modules/cliniko-simulator');
    expect((await readdir(installed)).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
    const { version, dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    const own = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    expect({ version, dependencies }).toEqual({ version: own.version });
    const license = (folder: string) => readFile(join(folder, 'LICENSE'), 'utf8');
    expect(await license(installed)).toBe(await license(ROOT));
    await checkTypes(project, 'nodenext', ['types.ts']);
    const list = "import('cliniko-simulator').then((all) => console.log(Object.keys(all).join()))";
    expect(await run('node', ['--eval', list], project)).toBe('startClinikoSimulator\n');
  });

  test('runs the example of its README', async () => {
    expect(await run('node', ['read-all.js'], project)).toBe('[ 200, 503, 200, 200 ] 4\n');
  });

  test('is a program that serves the patients it is started with, until a signal ends it', async () => {
    const { child, url, key } = await startProgram(['--patients', '12', '--requests-per-minute', '0']);
    const headers = { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` };
    const answer = await fetch(`${url}/patients?per_page=5&q[]=archived_at:*`, { headers });
    const list: unknown = await answer.json();
    expect(list).toMatchObject({ total_entries: 12, patients: expect.objectContaining({ length: 5 }) });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('explains wrong options and a port that is in use', async () => {
    await expect(run(program(), ['--patients', 'many'], project)).rejects.toThrow(
      '--patients must be a whole number from 0 to 10000000; it was "many".\nUsage: cliniko-simulator',
    );
    await expect(run(program(), ['--clinic'], project)).rejects.toThrow(/--clinic.*\nUsage: /s);
    const { url } = await startProgram(['--patients', '0']);
    const port = new URL(url).port;
    await expect(run(program(), ['--port', port], project)).rejects.toThrow(
      'Choose another port with --port',
    );
    expect(await run(program(), ['--help'], project)).toContain('Usage: cliniko-simulator');
  });
});
