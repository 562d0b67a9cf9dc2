/**
 * Imports run in one direction: a folder of `src/` imports only folders above it in this list.
 *
 * The list is the order in which the README introduces the folders. A new folder gets its place here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const SRC = `${ROOT}/src`;

const FOLDERS = [
  'contract',
  'logging',
  'timing',
  'http',
  'tracing',
  'database',
  'embedded-postgres',
  'encryption',
  'cliniko',
  'cliniko-simulator',
  'audit',
  'organizations',
  'patients',
  'events',
  'sync',
  'overview',
  'operations',
  'erasure',
  'webhooks',
  'live',
  'metrics',
  'openapi',
  'legacy',
  'access',
  'config',
  'server',
  'cli',
];

interface Import {
  file: string;
  target: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}

/** Of files of our own; packages are not meant. */
function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [
    ...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(#(?:contract|live)\/[^']+|\.[^']+)'/g),
  ].map(([, specifier = '']) => specifier);
  return specifiers.map((specifier) => ({
    file: relative(ROOT, file),
    target: specifier.startsWith('#')
      ? specifier.replace('#contract/', 'src/contract/').replace('#live/', 'web-client/src/live/')
      : relative(ROOT, resolve(dirname(file), specifier)),
  }));
}

const folderOf = (path: string) => path.split('/')[1] ?? '';
const describeImport = ({ file, target }: Import) => `${file} imports ${target}`;

/** Each circle once, from the file where the search met it first. */
function circlesIn(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { file, target } of imports) targets.set(file, [...(targets.get(file) ?? []), target]);
  const finished = new Set<string>();
  const follow = (file: string, path: readonly string[]): string[] => {
    const start = path.indexOf(file);
    if (start >= 0) return [[...path.slice(start), file].join(' → ')];
    if (finished.has(file)) return [];
    const found = (targets.get(file) ?? []).flatMap((target) => follow(target, [...path, file]));
    finished.add(file);
    return found;
  };
  return [...targets.keys()].flatMap((file) => follow(file, []));
}

describe('the folders of src/', () => {
  const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const imports = sourceFiles(SRC).flatMap(importsOf);

  test('all have a place in the order', () => {
    expect(folders.map(({ name }) => name).sort()).toEqual([...FOLDERS].sort());
  });

  test('import only folders above them', () => {
    const upward = imports.filter(({ file, target }) => {
      const [from, to] = [folderOf(file), folderOf(target)];
      return from !== to && FOLDERS.includes(from) && FOLDERS.indexOf(from) <= FOLDERS.indexOf(to);
    });
    expect(upward.map(describeImport)).toEqual([]);
  });

  test('have no circle of imports between files, types included', () => {
    expect(circlesIn(imports)).toEqual([]);
    const [here, there] = ['src/a/here.ts', 'src/a/there.ts'];
    const circle = [
      { file: here, target: there },
      { file: there, target: here },
      { file: here, target: 'src/a/else.ts' },
    ];
    expect(circlesIn(circle)).toEqual([`${here} → ${there} → ${here}`]);
  });

  test('keep the reader of a run independent of its writer: sync/read imports nothing of sync/write', () => {
    const backward = imports.filter(
      ({ file, target }) => file.startsWith('src/sync/read/') && target.startsWith('src/sync/write/'),
    );
    expect(backward.map(describeImport)).toEqual([]);
  });

  test('leave only main.ts loose', () => {
    const loose = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isFile());
    expect(loose.map(({ name }) => name)).toEqual(['main.ts']);
  });

  test('reach the contract by its alias', () => {
    const relativeImports = sourceFiles(SRC)
      .filter((file) => !file.startsWith(`${SRC}/contract/`))
      .filter((file) => /from '\.[^']*\/contract\//.test(readFileSync(file, 'utf8')));
    expect(relativeImports).toEqual([]);
  });
});

describe('the documents about the folders', () => {
  test('list them in the order of their imports', () => {
    const readme = readFileSync(`${ROOT}/README.md`, 'utf8');
    const table = readme.split('\n').filter((line) => line.startsWith('| `src/'));
    const inReadme = table.flatMap((row) => {
      const [, folders = ''] = row.split('|');
      return [...folders.matchAll(/`src\/([\w-]+)\/`/g)].map(([, folder]) => folder);
    });
    expect(inReadme).toEqual(FOLDERS);

    const architecture = readFileSync(`${ROOT}/docs/guides/architecture.md`, 'utf8');
    expect(architecture).toContain('## Import order');
    const [, list = ''] = /that come before it in this list:\n\n([^.]+)\./.exec(architecture) ?? [];
    expect(list.split(/,\s+/)).toEqual(FOLDERS);
  });

  test('describe the folders of test/ that mirror no folder of src/', () => {
    const folders = readdirSync(`${ROOT}/test`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'reports')
      .map(({ name }) => name);
    const contributing = readFileSync(`${ROOT}/CONTRIBUTING.md`, 'utf8');
    const rows = contributing.split('\n').filter((line) => line.startsWith('| `test/'));
    const described = rows.flatMap((row) => [...row.matchAll(/`test\/([\w-]+)\/`/g)].map(([, name]) => name));
    expect(described.sort()).toEqual(folders.filter((name) => !FOLDERS.includes(name)).sort());
  });

  test('draw arrows only where one folder imports another', () => {
    const architecture = readFileSync(`${ROOT}/docs/guides/architecture.md`, 'utf8');
    const [, picture = ''] = /```mermaid\nflowchart TD\n([\s\S]*?)```/.exec(architecture) ?? [];
    const names = (text: string) => text.replace(/^.*\[|\].*$/g, '').split(/\s*[&,]\s*/);
    const arrows = picture.split('\n').flatMap((line) => {
      const ends = line
        .trim()
        .replace(/"/g, '')
        .split(/\s*-->\s*/)
        .map(names);
      return ends
        .slice(1)
        .flatMap((targets, index) =>
          (ends[index] ?? []).flatMap((from) => targets.map((to) => `${from} → ${to}`)),
        );
    });
    expect(arrows.length).toBeGreaterThan(20);
    const drawn = new Set(
      sourceFiles(SRC)
        .flatMap(importsOf)
        .map(({ file, target }) => `${folderOf(file)} → ${folderOf(target)}`),
    );
    expect(arrows.filter((arrow) => !drawn.has(arrow))).toEqual([]);
  });
});

test('the simulated Cliniko is imported by the demo and by tests only', () => {
  const users = sourceFiles(SRC)
    .filter((file) => !file.includes('/cliniko-simulator/'))
    .flatMap(importsOf)
    .filter(({ target }) => target.startsWith('src/cliniko-simulator/'));
  expect([...new Set(users.map(({ file }) => file))]).toEqual(['src/cli/demo.ts']);
});

test('the routes of the old service can be deleted: the app mounts them, access/ reads what they require, nothing else', () => {
  const imports = sourceFiles(SRC)
    .filter((file) => !file.startsWith(`${SRC}/legacy/`))
    .flatMap(importsOf)
    .filter(({ target }) => target.startsWith('src/legacy/'));
  const isImport = ({ target }: Import) => target.startsWith('src/legacy/import/');
  expect(imports.filter((one) => !isImport(one)).map(describeImport)).toEqual([
    'src/access/route-policy.ts imports src/legacy/operations.ts',
    'src/server/app.ts imports src/legacy/operations.ts',
    'src/server/app.ts imports src/legacy/routes.ts',
  ]);
  expect(imports.filter(isImport).filter(({ file }) => folderOf(file) !== 'cli')).toEqual([]);
});

test('the client library is imported by the command line only, and imports nothing but the contract', () => {
  const isLibrary = (path: string) => path.startsWith('web-client/src/live/');
  const users = sourceFiles(SRC)
    .flatMap(importsOf)
    .filter(({ target }) => target.startsWith('web-client/'));
  expect([...new Set(users.map(({ file }) => folderOf(file)))]).toEqual(['cli']);
  expect(users.filter(({ target }) => !isLibrary(target)).map(describeImport)).toEqual([]);

  const foreign = sourceFiles(`${ROOT}/web-client/src/live`)
    .flatMap(importsOf)
    .filter(({ target }) => !isLibrary(target) && !target.startsWith('src/contract/'));
  expect(foreign.map(describeImport)).toEqual([]);
});

test('the files of the web client import each other in no circle, types included', () => {
  expect(circlesIn(sourceFiles(`${ROOT}/web-client/src`).flatMap(importsOf))).toEqual([]);
});

test('the pages import the contract from the server, and nothing else', () => {
  const foreign = sourceFiles(`${ROOT}/web-client/src`)
    .flatMap(importsOf)
    .filter(({ target }) => !target.startsWith('web-client/') && !target.startsWith('src/contract/'));
  expect(foreign.map(describeImport)).toEqual([]);
});
