/**
 * Parses the URL of a query to the patient list.
 *
 * Rejects what Cliniko is known to reject, with its observed messages. What Cliniko would ignore (unknown parameters,
 * `q` without brackets, `q[0]`) is ignored here too, so that a client that sends it gets the whole list and notices.
 *
 * Not here: how a condition is evaluated (filter.ts).
 */
import { parseWholeNumber } from '#contract/whole-number.ts';
import type { Behaviour } from './behaviour.ts';
import { FIELD_KINDS, type Field, type FieldKind, isField } from './fields.ts';

/** Answered with 400 and its message. */
export class BadQuery extends Error {
  override readonly name = 'BadQuery';
}

export type Operator = '=' | '!=' | '>' | '>=' | '<' | '<=' | '~' | '~~' | '?' | '!?' | '*';

export interface Condition {
  field: Field;
  operator: Operator;
  value: string;
}

export interface SortColumn {
  field: Field;
  direction: 'asc' | 'desc';
}

export interface PatientQuery {
  page: number;
  perPage: number;
  /** The number of records by which the first page is shorter than the others. */
  missingOnFirstPage?: number;
  conditions: readonly Condition[];
  sort: readonly SortColumn[];
}

const OPERATORS: Record<FieldKind, readonly Operator[]> = {
  number: ['=', '!=', '>=', '>', '<=', '<', '?', '!?'],
  time: ['>=', '>', '<=', '<', '?', '!?', '*'],
  date: ['=', '>=', '>', '<=', '<', '?', '!?'],
  text: ['=', '!=', '~', '~~', '?', '!?'],
};

const CONDITION = /^(\w+):(>=|<=|!=|!\?|~~|[><=~?*])(.*)$/s;
const UTC_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const UTC_FRACTION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const DEFAULT_PER_PAGE = 50;
const MOST_PER_PAGE = 100;

/** @throws BadQuery */
export function parseQuery(parameters: URLSearchParams, behaviour: Behaviour): PatientQuery {
  const direction = parameters.get('order') === 'desc' ? 'desc' : 'asc';
  return {
    page: parsePage(parameters.get('page'), 1, behaviour),
    perPage: parsePerPage(parameters.get('per_page'), behaviour),
    conditions: parameters.getAll('q[]').map((text) => parseCondition(text, behaviour)),
    sort: parseSort(parameters.get('sort') ?? `created_at:${direction}`, direction),
  };
}

function parsePage(text: string | null, otherwise: number, behaviour: Behaviour): number {
  if (text === null) return otherwise;
  const page = parseWholeNumber(text, 1, 999_999_999);
  if (page !== undefined) return page;
  if (behaviour.paramNonsense === 'refuse') throw new BadQuery('Page parameters must be positive numbers');
  return otherwise;
}

function parsePerPage(text: string | null, behaviour: Behaviour): number {
  const perPage = parsePage(text, DEFAULT_PER_PAGE, behaviour);
  if (perPage <= MOST_PER_PAGE) return perPage;
  if (behaviour.perPageTooBig === 'refuse') throw new BadQuery(`per_page may be ${MOST_PER_PAGE} at most`);
  return MOST_PER_PAGE;
}

function parseCondition(text: string, behaviour: Behaviour): Condition {
  const [, field = text.split(':')[0] ?? '', operator, value = ''] = CONDITION.exec(text) ?? [];
  if (!isField(field)) throw new BadQuery(`${field} is not filterable`);
  const kind = FIELD_KINDS[field];
  const known = OPERATORS[kind].find((candidate) => candidate === operator);
  if (known === undefined) throw new BadQuery(`Filter operator for ${field} is not supported`);
  if (!['?', '!?', '*'].includes(known)) assertValue(field, kind, value, behaviour);
  return { field, operator: known, value };
}

function assertValue(field: Field, kind: FieldKind, value: string, behaviour: Behaviour): void {
  if (kind === 'number') assertIds(field, value, behaviour);
  if (kind === 'date' && !/^[\d*]{4}-[\d*]{2}-[\d*]{2}$/.test(value)) {
    throw new BadQuery(`Filter value for ${field} must be a date`);
  }
  if (kind === 'time') {
    const shape = behaviour.fractionalSeconds === 'accept' ? UTC_FRACTION : UTC_SECONDS;
    const isTime = shape.test(value) && !Number.isNaN(Date.parse(value));
    if (!isTime) throw new BadQuery('Timestamp needs to be in UTC format.');
  }
}

function assertIds(field: Field, value: string, behaviour: Behaviour): void {
  const ids = value.split(',');
  if (!ids.every((id) => /^\d{1,19}$/.test(id)))
    throw new BadQuery(`Filter value for ${field} must be a number`);
  if (ids.length > behaviour.idListLimit)
    throw new BadQuery(`Filter value for ${field} has too many entries`);
}

function parseSort(text: string, direction: SortColumn['direction']): SortColumn[] {
  return text.split(',').map((column) => {
    const [field = '', own = direction] = column.trim().split(':');
    if (!isField(field) || (own !== 'asc' && own !== 'desc')) throw new BadQuery(`${column} is not sortable`);
    return { field, direction: own };
  });
}
