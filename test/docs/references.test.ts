/** Documents and comments name files, headings, functions and types. Each of these exists. */
import { dirname, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchorsOf, commentsOf, DOCUMENTS, exists, FILES, proseOf, read } from './support/repository.ts';

const CODE = FILES.filter(
  (file) => /\.(?:tsx?|m?js|css|sql|patch|html)$/.test(file) || file === 'package.json',
);
const SOURCE_EXTENSIONS = '(?:tsx?|m?js|css|sql|md|patch|service|ya?ml|toml|html)';

/** Look like files of this repository, and are packages, routes, or files of the old system. */
const OTHER_FILES = new Set([
  '/embed/sync-progress.js',
  'ipaddr.js',
  'postgres.js',
  'Node.js',
  'Next.js',
  'sql/09_fix_patients_unique_constraint.sql',
]);

/** Named in migrations, whose text never changes again: a database compares its hash. */
const FORMER_FILES = new Set(['src/database/close.ts']);

/** Of PostgreSQL, Node, browsers and the old system, or made by commands of a guide: no code of this project uses them. */
const OTHER_NAMES = new Set([
  'localStorage',
  'HttpOnly',
  'pg_dump',
  'pg_read_all_data',
  'pg_write_all_data',
  'nodejs_eventloop_lag_p99_seconds',
  'OLD_DATABASE_URL',
  'OLD_SCHEMA',
  'contact_type',
  'patients_legacy',
  'proxy_pass',
]);

/** What stands in code style: `like this`. */
function codeSpansOf(document: string): string[] {
  return [...proseOf(document).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
}

function looksLikePath(span: string): boolean {
  return (
    new RegExp(`^[\\w@.*…/+-]+\\.${SOURCE_EXTENSIONS}$`).test(span) ||
    /^(?:src|test|docs|web-client|bench|bin|drizzle|packaging|patches|\.ci)\/[\w./*…-]*$/.test(span) ||
    /^[a-z-]+\/$/.test(span)
  );
}

describe('documents', () => {
  test('link to files and headings that exist', () => {
    const links = DOCUMENTS.flatMap((document) =>
      [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ document, target })),
    ).filter(({ target }) => !/^https?:/.test(target));
    expect(links.length).toBeGreaterThan(40);
    const broken = links.filter(({ document, target }) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? document : posix.join(dirname(document), path).replace(/\/$/, '');
      if (!FILES.includes(file) && !FILES.some((known) => known.startsWith(`${file}/`))) return true;
      return anchor !== undefined && !anchorsOf(file).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('name files that exist', () => {
    const named = DOCUMENTS.flatMap((document) =>
      codeSpansOf(document)
        .filter(looksLikePath)
        .map((path) => ({ document, path })),
    );
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter(({ path }) => !exists(path) && !OTHER_FILES.has(path))).toEqual([]);
  });

  test('name functions, types and variables that exist', () => {
    const code = CODE.filter((file) => !file.startsWith('test/')).map(read);
    const words = new Set(code.flatMap((text) => text.match(/[A-Za-z_]\w*/g) ?? []));
    const named = DOCUMENTS.flatMap((document) =>
      codeSpansOf(document)
        .map((span) => /^([A-Za-z_]\w*)(?:\(.*\))?$/.exec(span)?.[1])
        .filter((name) => name !== undefined)
        // A single lower-case word is as often a word of a protocol as a name.
        .filter((name) => /[A-Z_]/.test(name.slice(1)))
        .map((name) => ({ document, name })),
    );
    expect(named.length).toBeGreaterThan(100);
    // Code adds the prefix of metrics, and the suffix of variables that name a file.
    const isKnown = (name: string) =>
      OTHER_NAMES.has(name) ||
      [name, name.replace(/^patient_sync_/, ''), name.replace(/_FILE$/, '')].some((word) => words.has(word));
    expect(named.filter(({ name }) => !isKnown(name))).toEqual([]);
  });
});

describe('decisions', () => {
  const pages = FILES.filter((file) => /^docs\/decisions\/\d/.test(file));

  test('have the number of their file name, a date and a status', () => {
    for (const page of pages) {
      const number = Number(/(\d{4})-[a-z0-9-]+\.md$/.exec(page)?.[1]);
      const [title, , status] = read(page).split('\n');
      expect(title, page).toMatch(new RegExp(`^# ${number}\\. [A-Z]`, 'i'));
      expect(status, page).toMatch(/^2026-\d\d-\d\d · accepted/);
    }
    expect(new Set(pages.map((page) => page.slice(0, 'docs/decisions/0000'.length))).size).toBe(pages.length);
  });

  test('exist where documents and comments name them', () => {
    const numbers = new Set(pages.map((page) => Number(/\d{4}/.exec(page)?.[0])));
    const texts = [
      ...DOCUMENTS.map((file) => [file, read(file)] as const),
      ...CODE.filter((file) => /decision/i.test(read(file))).map((file) => [file, commentsOf(file)] as const),
    ];
    const named = texts.flatMap(([file, text]) =>
      [...text.matchAll(/\bdecisions? (\d+)/gi)].map(([, number]) => ({ file, number: Number(number) })),
    );
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter(({ number }) => !numbers.has(number))).toEqual([]);
  });
});

test('messages and comments name documents that exist', () => {
  const named = FILES.filter((file) => !file.endsWith('.md') && !/\.(?:png|svg)$/.test(file)).flatMap(
    (file) =>
      [...read(file).matchAll(/\bdocs\/[\w/-]+\.(?:md|yml|json)\b/g)].map(([path]) => ({ file, path })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ path }) => !exists(path))).toEqual([]);
});

test('comments name files that exist', () => {
  const path = new RegExp(`(?<![\\w@/.:-])[\\w.…-]+(?:/[\\w.*…-]+)*\\.${SOURCE_EXTENSIONS}\\b(?!\\()`, 'g');
  const named = FILES.filter((file) => /\.(?:tsx?|m?js|css|sql)$/.test(file)).flatMap((file) =>
    [...commentsOf(file).matchAll(path)].map(([name]) => ({ file, name })),
  );
  expect(named.length).toBeGreaterThan(200);
  const missing = named.filter(({ file, name }) => {
    // A process that tests or benchmarks build is named by the file that the build writes.
    const names = [name, posix.join(dirname(file), name), name.replace(/\.js$/, '.ts')];
    const isFormer = file.startsWith('drizzle/') && FORMER_FILES.has(name);
    return !isFormer && !OTHER_FILES.has(name) && !names.some(exists);
  });
  expect(missing).toEqual([]);
});
