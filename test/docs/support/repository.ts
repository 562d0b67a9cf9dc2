/** The files of this repository as its documents and comments name them: paths, parts of paths, headings, comments. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

/** Tracked files and new ones, without ignored files such as `dist/`; a file that was just deleted is not one. */
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
});
const deleted = new Set(
  execFileSync('git', ['ls-files', '--deleted'], { cwd: ROOT, encoding: 'utf8' }).split('\n'),
);
export const FILES = listed.split('\n').filter((file) => file !== '' && !deleted.has(file));

/** Each file and folder under every shorter form of its path: `src/live/hub.ts`, `live/hub.ts` and `hub.ts`. */
const NAMES = new Set(
  FILES.flatMap((file) => {
    const parts = file.split('/');
    const folders = parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1));
    return [parts, ...folders].flatMap((path) => path.map((_, index) => path.slice(index).join('/')));
  }),
);

/** Documents that this project writes; the monitoring guide is a copy of a document that it follows. */
export const DOCUMENTS = FILES.filter((file) => file.endsWith('.md') && !file.startsWith('test/guide/'));

/** `…` and `*` stand for any part of a name. */
export function exists(path: string): boolean {
  const name = path.replace(/^\.\//, '').replace(/\/$/, '');
  if (!/[*…]/.test(name)) return NAMES.has(name);
  const pattern = name.split(/[*…]+/).map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
  const expression = new RegExp(`^${pattern.join('.*')}$`);
  return [...NAMES].some((known) => expression.test(known));
}

const texts = new Map<string, string>();

export function read(file: string): string {
  const text = texts.get(file) ?? readFileSync(resolve(ROOT, file), 'utf8');
  texts.set(file, text);
  return text;
}

/** The text of a document outside of its fenced blocks. */
export function proseOf(document: string): string {
  return read(document).replace(/^```[\s\S]*?^```$/gm, '');
}

/** The anchors of a document's headings, made as GitHub makes them. */
export function anchorsOf(document: string): Set<string> {
  const headings = [...proseOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The comments of a file. A `//` within a string looks like one too, which only adds text to check. */
export function commentsOf(file: string): string {
  const comment = file.endsWith('.sql') ? /--[^\n]*/g : /(?:^|[\s({])(?:\/\*[\s\S]*?\*\/|\/\/[^\n]*)/g;
  return [...read(file).matchAll(comment)].map(([text]) => text).join('\n');
}
