/**
 * Comments, texts, identifiers and documents are in plain technical English, and the private names of the first version do not
 * come back.
 *
 * A failure names the file, the line and the word. CONTRIBUTING.md describes the language.
 */
import { parseSync } from 'vite';
import { describe, expect, test } from 'vitest';
import { DOCUMENTS, FILES, read } from './docs/support/repository.ts';

/** Words that a comment or a document never needs: a standard term or a shorter sentence says the same. */
const WORDS = [
  'anew',
  'anybody',
  'aught',
  'everybody',
  'forthwith',
  'hence',
  'henceforth',
  'hereby',
  'herein',
  'hither',
  'lest',
  'meanwhile',
  'nobody',
  'nought',
  'somebody',
  'thence',
  'thereby',
  'therein',
  'thither',
  'thrice',
  'upon',
  'whence',
  'whereby',
  'whereupon',
  'whilst',
  'whoever',
  'whom',
  'whomever',
];

/** Names and metaphors of the first version. CONTRIBUTING.md has the terms that replaced them. */
const PRIVATE_NAMES = [
  'antecedent',
  'contestant',
  'farewell',
  'goodbyes?',
  'happenings?',
  'itinerar(?:y|ies)',
  'ladder',
  'lookahead',
  'newcomers?',
  'nursery',
  'outlook',
  'rungs?',
  'second wall',
  'setbacks?',
  'shel(?:f|ves)',
  'spokes?',
  'tenacious',
  'theatre',
];

/** Parts of identifiers that do not come back: `told` says nothing that `reported` or `logged` does not say better. */
const IDENTIFIER_PARTS = new Set([
  'anew',
  'anybody',
  'antecedent',
  'aught',
  'contestant',
  'everybody',
  'farewell',
  'goodbye',
  'goodbyes',
  'heard',
  'itinerary',
  'itineraries',
  'lookahead',
  'newcomer',
  'newcomers',
  'nursery',
  'rung',
  'rungs',
  'setback',
  'setbacks',
  'shelf',
  'shelves',
  'somebody',
  'stranger',
  'tenacious',
  'theatre',
  'told',
  'trouble',
  'troubles',
  'whoever',
  'whom',
]);

const PHRASES = [
  '(?:is|are|was|were|been) told',
  'for ever',
  'hand(?:s|ed|ing)? back',
  'let(?:s|ting)? go of',
  'st(?:ands?|ood) still',
  'to be had',
];

const anyOf = (...words: string[]) => new RegExp(`(?<![\\w'’-])(?:${words.join('|')})(?![\\w-])`, 'gi');
const FORBIDDEN = anyOf(...WORDS, ...PHRASES, ...PRIVATE_NAMES);
/** A program has other uses for some of the names: `ladder` may be a CSS class. */
const FORBIDDEN_IN_TEXTS = anyOf(...WORDS, ...PHRASES);

/** Old names of files, each with the folder where a new file of that name would be misleading again. */
const OLD_FILES = `
  src: home background credentials-key
  sync: itinerary stop walk round changes beginning repeats intake parts lookahead prepare record open-run key
    interrupted waits forecast seen id-set
  patients: merged missing store from-cliniko
  organizations: verify sealing reseal
  webhooks: queue schedule address
  metrics: standing
  events: outbox nudge-text log postgres-log history newest renewing-connection
  live: feed watch shelf news reader join history-guard turn wheel delivery sse-response sse-stream ops-socket viewer
    answered-by-hand
  cliniko: outage-gate
  access: gate policy second-wall same-place cross-origin audited sessions identity-provider limits tokens
  database: away impatient arrays foreign-patients embedded-home embedded-seat embedded-account
  web-client: ladder rungs seats tabs watch-alone moments happenings trouble words`;

interface Text {
  /** Where it begins in its file. */
  start: number;
  text: string;
}

/** A code span may quote a name of another program, such as the user `nobody`. */
const withoutCode = (text: string): string =>
  text.replace(/```[\s\S]*?```|`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, ' '));

/** Of SQL within TypeScript, and of files of SQL. An alternative for strings comes first: a string may hold `--`. */
function sqlComments(sql: string, offset = 0): Text[] {
  return matchesOf(/'(?:[^'\n]|'')*'|(--[^\n]*|\/\*[\s\S]*?\*\/)/g, sql, offset);
}

function matchesOf(pattern: RegExp, text: string, offset = 0): Text[] {
  return [...text.matchAll(pattern)].flatMap((match) =>
    match[1] === undefined
      ? []
      : [{ start: offset + match.index + match[0].indexOf(match[1]), text: match[1] }],
  );
}

/** The text between the quotes of a string, a template or an element. */
const TEXT_NODES = new Set(['Literal', 'TemplateElement', 'JSXText']);

interface CodeTexts {
  comments: Text[];
  texts: Text[];
  identifiers: Text[];
}

const parsed = new Map<string, CodeTexts>();

function codeTexts(file: string): CodeTexts {
  const known = parsed.get(file) ?? parseTexts(file);
  parsed.set(file, known);
  return known;
}

function parseTexts(file: string): CodeTexts {
  const code = read(file);
  const { comments, program, errors } = parseSync(file, code);
  expect(
    errors.map(({ message }) => message),
    file,
  ).toEqual([]);
  const found: CodeTexts = {
    comments: comments.map(({ start, value }) => ({ start: start + 2, text: value })),
    texts: [],
    identifiers: [],
  };
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, start, end, quasi } = node as {
      type?: string;
      start: number;
      end: number;
      quasi?: typeof node;
    };
    if (TEXT_NODES.has(type ?? '')) found.texts.push({ start, text: code.slice(start, end) });
    if (type === 'Identifier' || type === 'PrivateIdentifier')
      found.identifiers.push({ start, text: code.slice(start, end) });
    if (type === 'TaggedTemplateExpression' && quasi !== undefined) {
      const template = quasi as { start: number; end: number };
      found.comments.push(...sqlComments(code.slice(template.start, template.end), template.start));
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(program);
  return found;
}

function commentsOf(file: string): Text[] {
  if (/\.(?:tsx?|m?js)$/.test(file)) return codeTexts(file).comments;
  if (file.endsWith('.sql')) return sqlComments(read(file));
  if (file.endsWith('.css')) return matchesOf(/"[^"\n]*"|(\/\*[\s\S]*?\*\/)/g, read(file));
  if (file.endsWith('.html')) return matchesOf(/(<!--[\s\S]*?-->)/g, read(file));
  if (/\.(?:ya?ml|service|toml)$|^Dockerfile$/.test(file))
    return matchesOf(/(?<=^|\s)(#[^\n]*)/g, read(file));
  return [];
}

/** One word may be a name of another program, such as the user `nobody`. */
const isSentence = ({ text }: Text) => /\w\s+\w/.test(text);

const lineAt = (file: string, offset: number): number => read(file).slice(0, offset).split('\n').length;

/** `lastEventId` is three words. */
const wordsOf = (identifier: string): string[] =>
  identifier
    .split(/[^a-zA-Z]+|(?<=[a-z])(?=[A-Z])/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());

function forbiddenIn(file: string, texts: readonly Text[], forbidden = FORBIDDEN): string[] {
  return texts.flatMap(({ start, text }) =>
    [...withoutCode(text).matchAll(forbidden)].map(
      ({ 0: word, index }) => `${file}:${lineAt(file, start + index)}: ${word}`,
    ),
  );
}

describe('plain English', () => {
  const sources = FILES.filter((file) => !file.endsWith('.md') && file !== 'test/plain-english.test.ts');

  test('in comments', () => {
    const commented = sources.map((file) => [file, commentsOf(file)] as const);
    expect(commented.filter(([, comments]) => comments.length > 0).length).toBeGreaterThan(300);
    expect(commented.flatMap(([file, comments]) => forbiddenIn(file, comments))).toEqual([]);
  });

  test('in texts of programs and in names of tests', () => {
    const code = sources.filter((file) => /\.(?:tsx?|m?js)$/.test(file));
    expect(
      code.flatMap((file) => forbiddenIn(file, codeTexts(file).texts.filter(isSentence), FORBIDDEN_IN_TEXTS)),
    ).toEqual([]);
  });

  test('in identifiers', () => {
    const code = sources.filter((file) => /\.(?:tsx?|m?js)$/.test(file));
    const found = code.flatMap((file) =>
      codeTexts(file)
        .identifiers.filter(({ text }) => wordsOf(text).some((word) => IDENTIFIER_PARTS.has(word)))
        .map(({ start, text }) => `${file}:${lineAt(file, start)}: ${text}`),
    );
    expect(wordsOf('#onTold')).toEqual(['on', 'told']);
    expect(found).toEqual([]);
  });

  test('in documents', () => {
    const found = DOCUMENTS.flatMap((file) => forbiddenIn(file, [{ start: 0, text: read(file) }]));
    expect(found).toEqual([]);
  });
});

test('no file has a name of the first version', () => {
  const old = [...OLD_FILES.matchAll(/([\w-]+):([^:]*)(?=\n {2}\w|$)/g)].flatMap(
    ([, folder = '', names = '']) =>
      names
        .trim()
        .split(/\s+/)
        .map((name) => ({ folder, name })),
  );
  expect(old.length).toBeGreaterThan(70);
  const isOld = (file: string) =>
    old.some(
      ({ folder, name }) => file.split('/').includes(folder) && new RegExp(`/${name}\\.tsx?$`).test(file),
    );
  expect(FILES.filter((file) => /^(?:src|web-client)\//.test(file) && isOld(file))).toEqual([]);
});
