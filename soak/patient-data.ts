/** Finds data of the simulated patients in a text that must not contain any: a log line, an event, an error, a metric. */
import { FIRST_NAMES, LAST_NAMES } from '../src/cliniko-simulator/name-lists.ts';
import type { Findings } from './findings.ts';

/** Each changed or added patient of the soak gets a name that begins so. */
export const MARK = 'Soakname';

/** Shorter ones, such as "Ada", are also parts of other words and of identifiers. */
const SHORTEST_NAME = 5;

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const NAMES = [...FIRST_NAMES, ...LAST_NAMES].filter((name) => name.length >= SHORTEST_NAME).map(escaped);

/** The ranges of phones.ts: an id of a patient never has these digits between two other characters. */
const PHONES = [
  String.raw`(?:\+?61 ?|\(?0)491\)?[ -]?57\d[ -]?\d{3}`,
  String.raw`(?:\+?61 ?|\(?0)[2378]\)?[ -]?(?:5550|7010)[ -]?\d{4}`,
  String.raw`\+?44 ?(?:7700 ?900123|20 ?7946 ?0958)`,
  String.raw`(?:0011 |\+)?1 ?202 ?555 ?0143`,
];

const PATIENT_DATA = new RegExp(
  [
    `(?<![\\p{L}\\d])(?:${NAMES.join('|')})(?![\\p{L}\\d])`,
    MARK,
    String.raw`[\w.+-]+@(?:example\.(?:com|org)|[\w-]+\.example)\b`,
    `(?<!\\d)(?:${PHONES.join('|')})(?!\\d)`,
  ].join('|'),
  'iu',
);

/** @returns the first piece of patient data with the text around it */
export function findPatientData(text: string): string | undefined {
  const found = PATIENT_DATA.exec(text);
  if (found === null) return undefined;
  return `"${found[0]}" in …${text.slice(Math.max(0, found.index - 80), found.index + 120)}…`;
}

/** @param where the text is from */
export function expectNoPatientData(findings: Findings, check: string, where: string, text: string): void {
  const found = findPatientData(text);
  findings.expect(check, found === undefined, () => `${where}: ${found}`);
}
