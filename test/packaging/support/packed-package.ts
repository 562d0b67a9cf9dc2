/** A package of this repository as others get it: built, packed, and installed into an empty project without the network. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface PackedPackage {
  /** A folder for the projects of the test; `remove` deletes it. */
  folder: string;
  tarball: string;
  remove(): Promise<void>;
}

/** @param script builds it */
export async function packPackage(directory: string, script: string): Promise<PackedPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'patient-sync-package-'));
  await run('npm', ['run', script], ROOT);
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], join(ROOT, directory));
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm packed nothing of ${directory}.`);
  return {
    folder,
    tarball: join(folder, tarball),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * An empty project that installs the package from its tarball alone, without the network.
 *
 * @param packages what the project uses beside it, from the modules of this repository
 * @param files by their path in the project
 */
export async function newProject(
  { folder, tarball }: PackedPackage,
  name: string,
  packages: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const project = join(folder, name);
  await mkdir(project);
  const manifest = JSON.stringify({ name, private: true, type: 'module' });
  for (const [path, text] of Object.entries({ ...files, 'package.json': manifest })) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
  }
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], project);
  for (const used of packages) {
    const link = join(project, 'node_modules', used);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', used), link, 'junction');
  }
  return project;
}

/** @throws Error with everything that the command printed */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  // Vitest's NODE_ENV would build React and Vue for tests.
  const env = { ...process.env, NODE_ENV: undefined, ...environment };
  try {
    const { stdout } = await execute(command, args, { cwd, env });
    return stdout;
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause });
  }
}

/** @param tool the script of a tool, by its path in the modules of this repository */
export const runTool = (tool: string, args: readonly string[], cwd: string): Promise<string> =>
  run(process.execPath, [join(ROOT, 'node_modules', tool), ...args], cwd);

/** Type checks files under the strictest settings of a stranger. */
export function checkTypes(
  project: string,
  resolution: 'nodenext' | 'bundler',
  files: string[],
): Promise<string> {
  const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
  const settings = ['--strict', '--noEmit', '--module', module, '--moduleResolution', resolution];
  const language = ['--target', 'es2022', '--lib', 'es2023,dom', '--jsx', 'react-jsx', '--types', ''];
  return runTool('typescript/bin/tsc', [...settings, ...language, ...files], project);
}

/** A block of code of a document, by the name of the file in its first line. */
export async function codeBlock(document: string, file: string): Promise<string> {
  const text = await readFile(join(ROOT, document), 'utf8');
  const blocks = [...text.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  const block = blocks.find((code) => code.split('\n', 1)[0]?.includes(` ${file}`));
  if (block === undefined) throw new Error(`${document} has no block that begins with the name ${file}.`);
  return block;
}
