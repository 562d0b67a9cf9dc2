/** Evaluates a filter condition for one person. Nothing compares with an absent value, as in SQL. */
import type { Behaviour } from './behaviour.ts';
import type { Field } from './fields.ts';
import type { PatientRecord } from './person.ts';
import type { Condition, Operator } from './query.ts';
import type { Facts } from './timeline.ts';

/** A candidate. The record is generated only when a condition needs it. */
export interface Candidate {
  position: number;
  facts: Facts;
  record(): PatientRecord;
}

export type Predicate = (candidate: Candidate) => boolean;
export type Comparable = number | bigint | string;

/** The fields for filters and sorting; null when absent. */
export function ownValue(field: Field, { facts, record }: Candidate): Comparable | null {
  switch (field) {
    case 'id':
      return BigInt(facts.id);
    case 'created_at':
      return facts.createdAt;
    case 'updated_at':
      return facts.updatedAt;
    case 'archived_at':
      return facts.archivedAt;
    case 'date_of_birth':
      // Some records show an absent date as "", but no database stores such a date.
      return textOf(record()[field]) || null;
    default:
      return textOf(record()[field]);
  }
}

export function predicateFor(condition: Condition, behaviour: Behaviour): Predicate {
  const { field, operator } = condition;
  if (operator === '*') return () => true;
  if (operator === '?') return (candidate) => ownValue(field, candidate) !== null;
  if (operator === '!?') return (candidate) => ownValue(field, candidate) === null;
  const matches = matcherFor(condition, behaviour);
  return (candidate) => {
    const value = ownValue(field, candidate);
    return value !== null && matches(value);
  };
}

/** Of a timestamp that was validated: seconds since 1970. */
export function secondsOf(timestamp: string): number {
  return Date.parse(timestamp) / 1000;
}

type Matcher = (value: Comparable) => boolean;

function matcherFor({ field, operator, value }: Condition, behaviour: Behaviour): Matcher {
  switch (field) {
    case 'id':
      return idMatcher(operator, value.split(',').map(BigInt));
    case 'created_at':
    case 'updated_at':
    case 'archived_at':
      return comparison(operator, secondsOf(value));
    case 'date_of_birth':
      return operator === '=' ? pattern(value, { '*': String.raw`\d` }, '') : comparison(operator, value);
    default:
      return textMatcher(operator, value, behaviour.textFilters === 'ignore-case' ? 'i' : '');
  }
}

function idMatcher(operator: Operator, ids: readonly bigint[]): Matcher {
  const named = new Set<Comparable>(ids);
  if (operator === '=') return (id) => named.has(id);
  if (operator === '!=') return (id) => !named.has(id);
  const [only = 0n] = ids;
  return comparison(operator, only);
}

function comparison(operator: Operator, asked: Comparable): Matcher {
  switch (operator) {
    case '>':
      return (own) => own > asked;
    case '>=':
      return (own) => own >= asked;
    case '<':
      return (own) => own < asked;
    case '<=':
      return (own) => own <= asked;
    default:
      return (own) => own === asked;
  }
}

function textMatcher(operator: Operator, value: string, flags: '' | 'i'): Matcher {
  if (operator === '~~') return pattern(value, { '%': '.*' }, flags);
  if (operator === '~')
    return pattern(`%${value.replaceAll('%', '\u0000')}%`, { '%': '.*', '\u0000': '%' }, flags);
  const isEqual = pattern(value, {}, flags);
  return operator === '!=' ? (own) => !isEqual(own) : isEqual;
}

/** Matches whole texts; a character in `wildcards` stands for its expression, all others are literal. */
function pattern(text: string, wildcards: Record<string, string>, flags: '' | 'i'): Matcher {
  const parts = [...text].map(
    (char) => wildcards[char] ?? char.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`),
  );
  const expression = new RegExp(`^${parts.join('')}$`, `s${flags}`);
  return (own) => expression.test(String(own));
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
